// Package storetest opens every kind of store for the tests that all of them have to pass.
package storetest
