// Package internal_test has the tests of the small packages in this folder, and of some beside it: together they are
// one program to link.
package internal_test
