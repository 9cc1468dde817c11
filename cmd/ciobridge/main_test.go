package main

import (
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program itself when it is called by the program's name, for scripts and for
// tests that kill a real process. Tests that run side by side mostly wait, for sessions that end and brokers that
// answer, so more of them run than there are processors.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "ciobridge" {
		flag.Parse()
		if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
			if err := flag.Set("test.parallel", "8"); err != nil {
				panic(err)
			}
		}
		// Where the tests run under nohup, the processes that they start would ignore hang-ups too.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	testscript.Main(m, map[string]func(){"ciobridge": main})
}
