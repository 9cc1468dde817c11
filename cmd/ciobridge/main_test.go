package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// TestMain lets the test binary be the program itself when it is called by the program's name, for scripts and for
// tests that kill a real process.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "ciobridge" {
		longtest.Together(64) // see places
		// A third of the time went into collecting garbage. A bridge that finds GOGC set leaves the collector of its
		// process alone.
		if err := os.Setenv("GOGC", "400"); err != nil {
			panic(err)
		}
		// Where the tests run under nohup, the processes that they start would ignore hang-ups too.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	testscript.Main(m, map[string]func(){"ciobridge": main})
}

// places are for the tests that give processors something to do, though they mostly wait too, for sessions that end and
// brokers that answer. Tests that do nothing but wait need none, and all begin at once. Long tests have more to do.
var places = make(chan struct{}, longtest.Either(12, 8))

// beside has a test run beside others, as soon as there is a place for it.
func beside(t *testing.T) {
	t.Helper()
	t.Parallel()
	takePlace(t.Cleanup)
}

func takePlace(atEnd func(func())) {
	places <- struct{}{}
	atEnd(func() { <-places })
}
