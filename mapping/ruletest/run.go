package ruletest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Result is what came of one test.
type Result struct {
	Name  string
	Place string   // file and line
	Diffs []string // what differs from what the test wants; none means that it passed

	reached map[call]bool // that were made, or failed, or were left out
}

// call is the name of a call of a rule.
type call struct{ rule, name string }

// Run runs the tests of a rule file against compiled rules, which may come from this and from other files. Files that a
// test names are read relative to dir, and nothing outside of it is.
func Run(rules *mapping.Rules, tests []Test, dir string) []Result {
	out := make([]Result, 0, len(tests))
	for i := range tests {
		t := &tests[i]
		r := Result{Name: t.Name, Place: t.Pos.String(), reached: map[call]bool{}}
		r.Diffs = t.run(rules, dir, r.reached)
		out = append(out, r)
	}
	return out
}

func (t *Test) run(rules *mapping.Rules, dir string, reached map[call]bool) (diffs []string) {
	defer func() {
		if recover() != nil { // what it says may quote the event
			diffs = []string{"a fault of the program: the event cannot be mapped, " +
				"nor compared with what the test wants"}
		}
	}()
	m, err := t.Given.message(dir)
	if err != nil {
		return []string{err.Error()}
	}
	got := rules.Explain(m)
	for i := range got.Calls {
		reached[call{got.Calls[i].Step.Rule, got.Calls[i].Step.Call}] = true
	}
	for i := range got.Failures {
		reached[call{got.Failures[i].Rule, got.Failures[i].Call}] = true
	}
	for i := range got.Remarks {
		reached[call{got.Remarks[i].Rule, got.Remarks[i].Call}] = true
	}
	if diffs = compare(t.Want, got.Calls, got.Failures); len(diffs) > 0 {
		for _, r := range got.Remarks {
			diffs = append(diffs, "because: "+r.String())
		}
	}
	return diffs
}

func (g *Given) message(dir string) (event.Message, error) {
	m := event.Message{Origin: event.Origin{Topic: g.Topic, Subject: g.Subject}, Value: []byte(g.Event)}
	if g.NoValue {
		m.Value = nil
	}
	if g.Key != "" {
		m.Key = []byte(g.Key)
	}
	for _, h := range g.Headers {
		m.Headers = append(m.Headers, event.Header{Key: h.Name, Value: []byte(h.Value.Literal)})
	}
	if g.Time != "" {
		t, ok := document.ParseTime(g.Time)
		if !ok {
			return m, errors.New("given.time: want a time with its zone, such as 2026-10-05T08:30:00Z")
		}
		m.Time = t
	}
	if g.File != "" {
		data, err := readBelow(dir, g.File)
		if err != nil {
			return m, fmt.Errorf("given.file: %w", err)
		}
		m.Value = data
	}
	return m, nil
}

// maxGiven is what an event may have.
const maxGiven = 1 << 20

// readBelow reads a regular file of a folder or of one below it. Rule files come from many hands, and check prints what
// differs: no test may show another file of the machine that runs it.
func readBelow(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(cmp.Or(dir, "."))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO would wait for a writer
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxGiven+1))
	if err == nil && len(data) > maxGiven {
		err = fmt.Errorf("%s: is longer than %d bytes", name, maxGiven)
	}
	return data, err
}
