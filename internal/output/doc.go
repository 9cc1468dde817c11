// Package output is how results look on a terminal and for scripts: words fit for a person, tables, and one JSON
// object a line.
//
// It writes where it is told and knows nothing of what it prints. What comes from outside goes through [Printable],
// so that no event can make a terminal do anything.
package output
