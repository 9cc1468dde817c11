package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program itself when it is called by the program's name, for scripts and for tests that kill
// a real process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ciobridge": main})
}
