// Package lines is the source of a file, or of standard input, that holds an event a line.
//
// It ends at the end of the file, and there is no broker behind it: whatever the bridge keeps, it keeps in files.
// Nothing is stored of how far it has read. A run that did not come to the end is repeated as a whole, and since a line
// is known by the name of the source and its number, its calls have the same identities then.
//
// [Section] is the configuration, [Broker] makes what reads and keeps. One goroutine reads standard input, and is left
// behind where the process ends before there is something to read; package consumer/bounded has the others. Begin with
// Section, then file.read.
package lines
