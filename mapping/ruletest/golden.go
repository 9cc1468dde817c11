package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping"
)

// golden is what a golden file holds: by the names of tests the results of each, in the form of elements of want.
type golden map[string][]map[string]any

// The keys of a result beside its action.
const (
	deadLetterKey = "dead_letter"
	ruleKey       = "rule"
	callKey       = "call"
	fieldKey      = "field"
	idKey         = "id"
)

// readGolden reads a golden file. One that is not there is empty.
func readGolden(dir, name string) (golden, error) {
	data, err := readBelow(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return golden{}, nil
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var g golden
	if err := d.Decode(&g); err != nil || d.More() {
		return nil, errors.New("is no golden file: want what `ciobridge test --update` writes")
	}
	return g, nil
}

// wants are the results of a test as they are compared.
func (g golden) wants(test string) (list []Want, known bool) {
	results, known := g[test]
	for _, result := range results {
		text := func(key string) string { s, _ := result[key].(string); return s }
		w := Want{DeadLetter: event.Reason(text(deadLetterKey)), Rule: text(ruleKey), Name: text(callKey),
			Part: text(fieldKey), ID: text(idKey)}
		for key, value := range result {
			switch key {
			case deadLetterKey, ruleKey, callKey, fieldKey, idKey:
			default:
				w.Action, w.Call = key, jsontext.Of(value)
			}
		}
		list = append(list, w)
	}
	return list, known
}

// results are calls and failures as a golden file has them.
func results(got mapping.Explanation, m masks) []map[string]any {
	list := []map[string]any{}
	for i := range got.Calls {
		c := &got.Calls[i]
		id := c.ID.String()
		if m.match([]string{idKey}) {
			id = masked
		}
		list = append(list, map[string]any{ruleKey: c.Step.Rule, callKey: c.Step.Call, idKey: id,
			c.Step.Action: m.apply(shown(c))})
	}
	for _, f := range got.Failures {
		letter := map[string]any{deadLetterKey: f.Reason}
		for key, value := range map[string]string{ruleKey: f.Rule, callKey: f.Call, fieldKey: f.Field} {
			if value != "" {
				letter[key] = value
			}
		}
		list = append(list, letter)
	}
	return list
}

// Written is a golden file as Update left it.
type Written struct {
	File    string // relative to the rule file
	Tests   int
	Changed bool
}

// Update writes the golden files of a rule file's tests, as far as the tests are chosen, with what the rules make now.
// Where all are chosen, what a golden file has of tests that are no longer there goes.
func (s *Suite) Update(rules *mapping.Rules) (written []Written, err error) {
	files := map[string]golden{}
	for i := range s.Tests {
		t := &s.Tests[i]
		if t.Golden == "" || !s.chosen(t) {
			continue
		}
		if files[t.Golden] == nil {
			files[t.Golden] = golden{}
		}
		if _, taken := files[t.Golden][t.Name]; taken {
			return nil, fmt.Errorf("%s: another test with this golden file has the same name: give another", t.Pos)
		}
		got, err := t.explain(rules, s.Dir)
		if err == nil {
			err = guarded(func() { files[t.Golden][t.Name] = results(got, newMasks(t.Mask, s.Mask)) })
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Pos, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := s.writeGolden(name, files[name])
		if err != nil {
			return nil, fmt.Errorf("write the golden file %s: %w", name, err)
		}
		written = append(written, w)
	}
	return written, nil
}

func (s *Suite) writeGolden(name string, g golden) (Written, error) {
	w := Written{File: name, Tests: len(g)}
	root, err := os.OpenRoot(s.dir())
	if err != nil {
		return w, err
	}
	defer root.Close()
	if s.Chosen != nil {
		old, err := readGolden(s.dir(), name)
		if err != nil {
			return w, err
		}
		maps.Copy(old, g)
		g = old
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(g); err != nil {
		return w, err
	}
	if old, err := root.ReadFile(name); err == nil && bytes.Equal(old, text.Bytes()) {
		return w, nil
	}
	w.Changed = true
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return w, err
	}
	if err := root.WriteFile(name+".tmp", text.Bytes(), 0o644); err != nil {
		return w, err
	}
	return w, root.Rename(name+".tmp", name)
}
