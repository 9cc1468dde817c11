package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// showsPersons are the lines of scripts, as regular expressions, whose output holds what is personal, and must: each is
// met in one at least.
var showsPersons = []*permission{
	{line: `ciobridge map `, because: "it is given the event, and prints the calls that are made of it"},
	{line: `ciobridge test `, because: "it prints what tests want of an event that they hold, and what they get"},
	{line: `ciobridge .* --show-values`, because: "that is what the flag is for"},
	{line: `ciobridge api `, because: "it prints the answer as it came"},
	{line: `\$CIO/`, because: "it is what Customer.io got"},
	{line: `^records `, because: "it is what stands in a topic"},
}

type permission struct {
	line, because string
	met           atomic.Bool
}

// searched is a script of which everything is searched that its commands print, also what they print without being
// asked, and what programs in the background print until they end.
type searched struct {
	*testing.T
}

func (s searched) Run(name string, script func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { script(searched{t}) })
}

// Verbose has the script's log hold the outputs of commands, and not only of the one that failed.
func (searched) Verbose() bool { return true }

// phase is the comment at which a part of a script begins, with the time that the part took.
var phase = regexp.MustCompile(`(?m)^# .* \(\d+\.\d{3}s\)$`)

// Log gets the log of a script that has ended: each line of the script behind "> ", and then what it printed. Of one
// that failed the last part is told.
func (s searched) Log(args ...any) {
	log := fmt.Sprint(args...)
	scriptsSearched.Add(1)
	if root, err := filepath.Abs("../.."); err == nil { // where the project stands is nobody's secret
		log = strings.ReplaceAll(log, root, "")
	}
	searchScript(s.T, log)
	if at := phase.FindAllStringIndex(log, -1); len(at) > 0 && !testing.Verbose() {
		log = log[at[len(at)-1][0]:]
	}
	s.T.Log(log)
}

// lineOfScript is where in the log the output of a command ends.
var lineOfScript = regexp.MustCompile(`(?m)^(?:> |\[background\] )(.*)\n?`)

var scriptsSearched atomic.Int32

// searchScript searches a script's log. An output that has such a line itself is searched as the output of that line.
func searchScript(t canarytest.TB, log string) {
	t.Helper()
	at := lineOfScript.FindAllStringSubmatchIndex(log, -1)
	for i, match := range at {
		end := len(log)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		searchOutput(t, log[match[2]:match[3]], log[match[1]:end])
	}
}

// searchOutput searches what a command has printed, and notes where it may show something and does.
func searchOutput(t canarytest.TB, line, output string) {
	t.Helper()
	if _, found := canarytest.Shows(output); !found {
		return
	}
	for _, s := range showsPersons {
		if regexp.MustCompile(s.line).MatchString(line) {
			s.met.Store(true)
			return
		}
	}
	canarytest.Text(t, "the output of "+line, output)
}

// eachIsMet fails a test where a line of showsPersons has become needless, and so proves that scripts have canaries
// where outputs would show them. That can only be said when every script
// has run to its end.
func eachIsMet(t *testing.T) {
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || !longtest.On() || int(scriptsSearched.Load()) < len(paths) {
		return
	}
	for _, s := range showsPersons {
		if !s.met.Load() {
			t.Errorf("no output of a line like %s shows a canary, which it may because %s", s.line, s.because)
		}
	}
}

// events are the files of a script that hold events, or what else has personal data.
var events = regexp.MustCompile(`\.(json|jsonl|ndjson)$`)

// withoutPersons are the scripts of which no file of events needs a canary.
var withoutPersons = map[string]string{}

// TestScriptsHaveCanaries: a search of a script's output proves nothing where the script's events have none.
func TestScriptsHaveCanaries(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d scripts: %v", len(paths), err)
	}
	for _, path := range paths {
		script, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		holds, found := false, false
		for _, f := range script.Files {
			if events.MatchString(f.Name) {
				_, has := canarytest.Shows(string(f.Data))
				holds, found = true, found || has
			}
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		if _, needless := withoutPersons[name]; holds && found == needless {
			t.Errorf("%s: its events have canaries: %t; in withoutPersons: %t", path, found, needless)
		}
	}
}

// TestScriptsAreSearched: it is no search that cannot fail.
func TestScriptsAreSearched(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]bool{
		"CIO=canary\n> exec ciobridge run\n[stdout]\nready\n":                                 false,
		"> exec ciobridge run\n[stderr]\na\nthe canary\n> stdout a\n":                         true,
		"> exec ciobridge map e.json\n[stdout]\nthe canary\n":                                 false,
		"> exec ciobridge map e.json\n[background] ciobridge run: ok\n[stderr]\nthe canary\n": true,
	} {
		found := &testing.T{}
		if searchScript(found, log); found.Failed() != want {
			t.Errorf("found: %t in %q", found.Failed(), log)
		}
	}
}
