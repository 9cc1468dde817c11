// Package record is the command record: it takes events from the source and writes them down as tests of rules, with
// made-up values in place of personal data.
//
// The source is read beside those who read it, up to what it has now; nothing is stored or acked there. The chosen
// messages are held in memory until all personal values among them are known, and nothing of the originals is written
// anywhere. There are no goroutines. Begin reading with New in command.go; selection.go chooses messages, personal.go
// says what of them is replaced, and file.go writes the tests.
package record
