// Package status is the command that asks a running bridge how it does, and prints the answer for people. It sends one
// request and changes nothing. Begin with New.
package status
