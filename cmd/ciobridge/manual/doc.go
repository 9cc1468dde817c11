// Package manual writes the manual pages of ciobridge. New makes a hidden command that walks through the tree of
// commands in which it stands and writes one page for each command that is shown, so that the pages are always those of
// the program they are packaged with. It has no goroutine and no state. Begin with New; page.go has what stands in a
// page.
package manual
