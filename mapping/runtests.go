package mapping

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// TestResult is what came of one test.
type TestResult struct {
	Name  string
	Place string   // file and line
	Diffs []string // what differs from what the test wants; none means that it passed
}

// RunTests runs the tests of a rule file against compiled rules, which may come from this and from other files. Files that a
// test names are read relative to dir, and nothing outside of it is.
func RunTests(rules *Rules, file RuleFile, dir string) []TestResult {
	out := make([]TestResult, 0, len(file.Tests))
	for i := range file.Tests {
		t := &file.Tests[i]
		out = append(out, TestResult{
			Name: t.Name, Place: strings.TrimSuffix(place(t.file, t.line), ": "), Diffs: t.run(rules, dir),
		})
	}
	return out
}

func (t *Test) run(rules *Rules, dir string) (diffs []string) {
	defer func() {
		if recover() != nil { // what it says may quote the event
			diffs = []string{"a fault of the program: the event cannot be mapped, nor compared with what the test wants"}
		}
	}()
	m, err := t.Given.message(dir)
	if err != nil {
		return []string{err.Error()}
	}
	calls, failures := rules.Map(m)
	return compare(t.Want, calls, failures)
}

func (g *Given) message(dir string) (event.Message, error) {
	m := event.Message{Origin: event.Origin{Topic: g.Topic}, Value: []byte(g.Event)}
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
		t, err := time.Parse(time.RFC3339, g.Time)
		if err != nil {
			return m, fmt.Errorf("given.time: want RFC 3339: %w", err)
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

// readBelow reads a regular file of a folder or of one below it. Rule files come from many hands, and check prints what differs: no
// test may show another file of the machine that runs it.
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

// compare says how calls and failures differ from what a test wants. Calls are compared with calls and failures with failures,
// each in order.
func compare(wants []Want, calls []event.Call, failures []event.Failure) []string {
	var wantCalls, wantDead, haveCalls, haveDead []string
	var diffs []string
	for _, w := range wants {
		if w.DeadLetter != "" {
			wantDead = append(wantDead, string(w.DeadLetter))
			continue
		}
		if i := len(wantCalls); i < len(calls) {
			diffs = append(diffs, w.compare(i, &calls[i])...)
		}
		wantCalls = append(wantCalls, w.Action)
	}
	for i := range calls {
		haveCalls = append(haveCalls, calls[i].Step.Action)
	}
	for i := range failures {
		haveDead = append(haveDead, string(failures[i].Reason))
	}
	if len(wantCalls) != len(haveCalls) {
		diffs = append(diffs, fmt.Sprintf("calls: want %s, got %s", orNone(wantCalls), orNone(haveCalls)))
	}
	if !slices.Equal(wantDead, haveDead) {
		diffs = append(diffs, fmt.Sprintf("dead letters: want %s, got %s", orNone(wantDead), describeFailures(failures)))
	}
	return diffs
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// describeFailures tells failures for the author of a test, who needs the detail to mend the rule.
func describeFailures(failures []event.Failure) string {
	var out []string
	for _, f := range failures {
		out = append(out, fmt.Sprintf("%s (rule %q, call %q, %s: %s)", f.Reason, f.Rule, f.Call, f.Field, f.Detail))
	}
	return orNone(out)
}

func (w *Want) compare(i int, c *event.Call) []string {
	at := fmt.Sprintf("call %d", i+1)
	if w.Action != c.Step.Action {
		return []string{fmt.Sprintf("%s: want %s, got %s", at, w.Action, c.Step.Action)}
	}
	return differences(at+" "+w.Action, decoded(w.Call), view(c))
}

// view shows a call as rules write it, so that tests speak the language of rules.
func view(c *event.Call) any {
	item, ok := decoded(string(c.Body)).(map[string]any)
	if !ok {
		return nil
	}
	out := map[string]any{"person": item["identifiers"]}
	if who, ok := item["identifiers"].(map[string]any); ok && len(who) == 1 && who["id"] != nil {
		out["person"] = who["id"]
	}
	fields, _ := item["attributes"].(map[string]any)
	if c.Single != nil {
		fields, _ = item["data"].(map[string]any)
		delete(out, "person")
	}
	if c.Step.Repeatable {
		out["name"], out["data"], out["timestamp"] = item["name"], fields, item["timestamp"]
		return out
	}
	var removed []any
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name] == nil {
			removed = append(removed, name)
			delete(fields, name)
		}
	}
	out["attributes"], out["remove"] = fields, removed
	return out
}

// differences compares what is wanted with what is there. Of maps only the wanted keys are compared, all else as a whole. A
// wanted null stands for a field that is left out.
func differences(at string, want, have any) []string {
	wantMap, ok := want.(map[string]any)
	haveMap, alsoMap := have.(map[string]any)
	if !ok || !alsoMap {
		if w, h := jsonOf(want), jsonOf(have); w != h {
			return []string{fmt.Sprintf("%s: want %s, got %s", at, w, h)}
		}
		return nil
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(wantMap)) {
		out = append(out, differences(at+"."+key, wantMap[key], haveMap[key])...)
	}
	return out
}

func jsonOf(v any) string {
	if v == nil {
		return "nothing"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
