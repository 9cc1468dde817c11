package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"
)

// commandLine is a line of a script that runs the program, with the exit code that it must have, if it is not 0.
var commandLine = regexp.MustCompile(`^(?:\[long\] )?(?:exec|code ([1-9])|! exec) ciobridge(?: (.*))?$`)

// looksAt is a line of a script that looks at what was printed or written. What a program in the background does is
// looked at later.
var looksAt = regexp.MustCompile(`^(?:\[long\] )?(! )?(stdout|stderr|cmp|grep|exists|await) `)

// TestEveryCommandHasAScript: for each command there is, one shows what it does, and one what it says of bad input.
func TestEveryCommandHasAScript(t *testing.T) {
	t.Parallel()
	root := newRoot(stdio{}, &hangups{})
	works, refuses := map[*cobra.Command]bool{}, map[*cobra.Command]bool{}
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		script, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(script.Comment), "\n")
		for i, line := range lines[:len(lines)-1] {
			match := commandLine.FindStringSubmatch(line)
			if match == nil || !looksAt.MatchString(lines[i+1]) {
				continue
			}
			cmd, _, err := root.Find(strings.Fields(match[2]))
			switch {
			case err != nil:
				t.Errorf("%s: %s: %v", path, line, err)
			case match[1] == "" && !strings.Contains(line, "! exec "):
				works[cmd] = true
			case match[1] > "1":
				refuses[cmd] = true
			}
		}
	}
	commands := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if cmd.HasSubCommands() {
			return
		}
		if commands++; !works[cmd] || !refuses[cmd] {
			t.Errorf("%s: a script shows what it does: %t; a script shows an exit code of 2 or more for bad input: %t",
				cmd.CommandPath(), works[cmd], refuses[cmd])
		}
	}
	if visit(root); commands < 30 {
		t.Errorf("%d commands", commands)
	}
}
