// Package starter is the command init: it writes a first configuration, rule file and test, which check and test
// accept.
//
// What a flag does not say is asked on a terminal, and has its default elsewhere. What would be written is checked as
// check does it before the first file is made, and no file is ever overwritten. There are no goroutines. Begin reading
// with New in command.go; question.go has what is asked, and files.go what is written.
package starter
