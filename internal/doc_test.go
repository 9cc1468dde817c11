// Package internal_test has the tests of the small packages in this folder: together they are one program to link.
package internal_test
