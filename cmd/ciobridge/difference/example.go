package difference

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// maxExamples is how many examples there are of one kind and rule.
const maxExamples = 3

// example is one call that differs. What it says is shown in values only where somebody asks for them.
type example struct {
	Kind   string          `json:"kind"`
	Rule   string          `json:"rule"`
	Call   string          `json:"call"`
	Record string          `json:"record"` // where it stands
	Fields []string        `json:"fields,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

func (c *comparison) show(place, kind string, a, b *event.Call) {
	of := b
	if b == nil {
		of = a
	}
	key := [2]string{of.Step.Rule, kind}
	if c.shown[key]++; c.shown[key] > maxExamples {
		return
	}
	e := example{Kind: kind, Rule: of.Step.Rule, Call: of.Step.Call, Record: place}
	e.Before, e.After = c.body(a), c.body(b)
	if kind == changed {
		e.Fields = differing("", decoded(text(a)), decoded(text(b)))
	}
	c.Examples = append(c.Examples, e)
}

// body is what a call says, masked unless values are shown; a text or a form is one of JSON.
func (c *comparison) body(of *event.Call) json.RawMessage {
	if of == nil {
		return nil
	}
	body := of.Body
	if !c.values {
		body = deadletter.Masked(body)
	}
	if !json.Valid(body) {
		body, _ = json.Marshal(string(body)) // a string always encodes
	}
	return bytes.Clone(body)
}

func decoded(body []byte) (v any) {
	_ = json.Unmarshal(body, &v) // what is no JSON differs as a whole
	return v
}

// differing are the paths of what differs in two documents.
func differing(path string, a, b any) (paths []string) {
	left, isMap := a.(map[string]any)
	right, isMapToo := b.(map[string]any)
	if !isMap || !isMapToo {
		if reflect.DeepEqual(a, b) {
			return nil
		}
		return []string{path}
	}
	keys := maps.Clone(left)
	maps.Copy(keys, right)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		inner := key
		if path != "" {
			inner = path + "." + key
		}
		paths = append(paths, differing(inner, left[key], right[key])...)
	}
	return paths
}
