package ruletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// compare says how calls and failures differ from what a test wants. Calls are compared with calls and failures with
// failures, each in order.
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
		diffs = append(diffs,
			fmt.Sprintf("dead letters: want %s, got %s", orNone(wantDead), describeFailures(failures)))
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
		which := ""
		if f.Item > 0 {
			which = fmt.Sprintf("event %d, ", f.Item)
		}
		out = append(out, fmt.Sprintf("%s (%srule %q, call %q, %s: %s)", f.Reason, which, f.Rule, f.Call, f.Field,
			f.Detail))
	}
	return orNone(out)
}

func (w *Want) compare(i int, c *event.Call) []string {
	at := fmt.Sprintf("call %d", i+1)
	if w.Action != c.Step.Action {
		return []string{fmt.Sprintf("%s: want %s, got %s", at, w.Action, c.Step.Action)}
	}
	have := view(c)
	if m, ok := have.(map[string]any); ok && c.Step.Workspace != "" {
		m["workspace"] = c.Step.Workspace
	}
	return differences(at+" "+w.Action, decoded(w.Call), have)
}

// differences compares what is wanted with what is there. Of maps only the wanted keys are compared, all else as a
// whole. A wanted null stands for a field that is left out.
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
	return jsontext.Of(v)
}

// decoded is JSON as Go values, with numbers as they are written. Text that is not JSON stays text.
func decoded(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Sprintf("not JSON: %s", text)
	}
	return v
}
