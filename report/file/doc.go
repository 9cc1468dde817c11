// Package file writes reports to a local file or to standard output, for a loader of a warehouse, and keeps what is
// known of them in another file.
//
// A [Target] appends lines, each an event as JSON (ndjson.go), or a row of a table (table.go) whose columns are those
// of the first row of the file. Every call takes the lock of a second file beside it, whose name ends in ".lock", and
// Publish syncs before it returns. What a process that died left of its last line is cut off. Who moves the file away
// gets a new one. The position is the length of the file, with a digest of what stands before it. An [Output] is the
// same to a writer, of which nothing is read back.
//
// A [Store] appends one JSON object for each value and syncs; the last one of a key counts. When most of them no longer
// do, the file is written anew and takes the place of the old one. The lead is the lock of a file beside it, whose name
// ends in ".lead"; the operating system ends it with the process.
//
// The package starts no goroutine but that of package broker/lock. Each is used by one goroutine. Begin reading with
// target.go and store.go.
package file
