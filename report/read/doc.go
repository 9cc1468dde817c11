// Package read reads the rows of reports from Customer.io's App API.
//
// New makes the reader of a report; Validate says before that what is wrong with its settings, and asks nobody. Each
// type has a file: numbers of campaigns, newsletters and broadcasts become a row for each object and bucket of time,
// lists become a row for each entry, and an export becomes a row for each line of its file, which is read while it is
// downloaded. What is held of an answer is one page, and of a file one line.
//
// A reader asks through an [API], which keeps to the workspace's budget and waits while Customer.io asks to be left
// alone or refuses the key. It starts no goroutine and has no lock, and may be used by one goroutine for each
// workspace. Begin reading with reader.go, then metric.go and export.go.
package read
