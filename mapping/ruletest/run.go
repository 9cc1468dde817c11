package ruletest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// A Suite is the tests of a rule file.
type Suite struct {
	Tests  []Test
	Dir    string                 // the folder of the rule file; files that tests name are below it
	Mask   []string               // masks of all tests
	Chosen func(name string) bool // reports whether a test is run; nil chooses all
}

// Result is what came of one test.
type Result struct {
	Name  string
	Place mapping.Position
	Diffs []string // what differs from what the test wants; none means that it passed
	Took  time.Duration

	reached map[call]bool // that were made, or failed, or were left out
	got     mapping.Explanation
}

// call is the name of a call of a rule.
type call struct{ rule, name string }

// Run runs the tests of a rule file against compiled rules, which may come from this and from other files. Files that a
// test names are read relative to dir, and nothing outside of it is.
func Run(rules *mapping.Rules, tests []Test, dir string) []Result {
	s := Suite{Tests: tests, Dir: dir}
	return s.Run(rules)
}

// Run runs the chosen tests against compiled rules, which may come from this rule file and from others.
func (s *Suite) Run(rules *mapping.Rules) []Result {
	out := make([]Result, 0, len(s.Tests))
	files := map[string]golden{}
	for i := range s.Tests {
		t := &s.Tests[i]
		if !s.chosen(t) {
			continue
		}
		begin := time.Now()
		r := Result{Name: t.Name, Place: t.Pos, reached: map[call]bool{}}
		r.Diffs = s.run(t, rules, files, &r)
		r.Took = time.Since(begin)
		out = append(out, r)
	}
	return out
}

func (s *Suite) chosen(t *Test) bool { return s.Chosen == nil || s.Chosen(t.Name) }

func (s *Suite) dir() string { return cmp.Or(s.Dir, ".") }

func (s *Suite) run(t *Test, rules *mapping.Rules, files map[string]golden, r *Result) []string {
	got, err := t.explain(rules, s.Dir)
	if err != nil {
		return []string{err.Error()}
	}
	r.note(got)
	c := comparer{exact: t.Exact || t.Golden != "", masks: newMasks(t.Mask, s.Mask)}
	wants := t.Want
	if t.Golden != "" {
		var known bool
		if wants, known, err = s.golden(t, files); err != nil {
			return []string{fmt.Sprintf("golden: %s: %v", t.Golden, err)}
		} else if !known {
			return []string{fmt.Sprintf("golden: %s has nothing of this test: look at what `ciobridge map` makes of "+
				"the event, and write it with `ciobridge test --update`", t.Golden)}
		}
	}
	var diffs []string
	if err := guarded(func() { diffs = c.compare(wants, got.Calls, got.Failures) }); err != nil {
		return []string{err.Error()}
	}
	if len(diffs) > 0 {
		for _, r := range got.Remarks {
			diffs = append(diffs, "because: "+r.String())
		}
	}
	return diffs
}

// golden gives what the golden file of a test has of it. Files holds what was read before.
func (s *Suite) golden(t *Test, files map[string]golden) (wants []Want, known bool, err error) {
	if files[t.Golden] == nil {
		if files[t.Golden], err = readGolden(s.Dir, t.Golden); err != nil {
			return nil, false, err
		}
	}
	wants, known = files[t.Golden].wants(t.Name)
	return wants, known, nil
}

// note keeps what a test has reached.
func (r *Result) note(got mapping.Explanation) {
	r.got = got
	for i := range got.Calls {
		r.reached[call{got.Calls[i].Step.Rule, got.Calls[i].Step.Call}] = true
	}
	for i := range got.Failures {
		r.reached[call{got.Failures[i].Rule, got.Failures[i].Call}] = true
	}
	for i := range got.Remarks {
		r.reached[call{got.Remarks[i].Rule, got.Remarks[i].Call}] = true
	}
}

// errFault hides what a panic says, which may quote the event.
var errFault = errors.New("a fault of the program: the event cannot be mapped, nor compared with what the test wants")

// guarded does something that a panic ends with a fault.
func guarded(do func()) (err error) {
	defer func() {
		if recover() != nil {
			err = errFault
		}
	}()
	do()
	return nil
}

// explain gives what the rules make of a test's event.
func (t *Test) explain(rules *mapping.Rules, dir string) (got mapping.Explanation, err error) {
	m, err := t.Given.message(dir)
	if err != nil {
		return got, err
	}
	err = guarded(func() { got = rules.Explain(m) })
	return got, err
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
