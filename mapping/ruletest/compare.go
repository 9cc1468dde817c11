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

// comparer says how what is wanted and what is there are compared.
type comparer struct {
	exact bool // calls have nothing beside what is wanted
	masks masks
}

// compare says how calls and failures differ from what a test wants. Calls are compared with calls and failures with
// failures, each in order.
func (c *comparer) compare(wants []Want, calls []event.Call, failures []event.Failure) []string {
	var wantCalls, haveCalls, diffs []string
	var wantDead []Want
	for _, w := range wants {
		if w.DeadLetter != "" {
			wantDead = append(wantDead, w)
			continue
		}
		if i := len(wantCalls); i < len(calls) {
			diffs = append(diffs, c.call(&w, i, &calls[i])...)
		}
		wantCalls = append(wantCalls, w.Action)
	}
	for i := range calls {
		haveCalls = append(haveCalls, calls[i].Step.Action)
	}
	if len(wantCalls) != len(haveCalls) {
		diffs = append(diffs, fmt.Sprintf("calls: want %s, got %s", orNone(wantCalls), orNone(haveCalls)))
	}
	if !slices.EqualFunc(wantDead, failures, (Want).fits) {
		diffs = append(diffs,
			fmt.Sprintf("dead letters: want %s, got %s", describeWanted(wantDead), describeFailures(failures)))
	}
	return diffs
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// fits reports whether a failure is the wanted dead letter.
func (w Want) fits(f event.Failure) bool {
	return w.DeadLetter == f.Reason && (w.Rule == "" || w.Rule == f.Rule) && (w.Name == "" || w.Name == f.Call) &&
		(w.Part == "" || w.Part == f.Field)
}

// describeWanted tells dead letters with as much as is wanted of them.
func describeWanted(wants []Want) string {
	var out []string
	for _, w := range wants {
		var which []string
		for _, part := range []struct{ name, value string }{{"rule", w.Rule}, {"call", w.Name}, {"field", w.Part}} {
			if part.value != "" {
				which = append(which, fmt.Sprintf("%s %q", part.name, part.value))
			}
		}
		text := string(w.DeadLetter)
		if len(which) > 0 {
			text += " (" + strings.Join(which, ", ") + ")"
		}
		out = append(out, text)
	}
	return orNone(out)
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

func (c *comparer) call(w *Want, i int, have *event.Call) (diffs []string) {
	at := fmt.Sprintf("call %d", i+1)
	if w.Action != have.Step.Action {
		return []string{fmt.Sprintf("%s: want %s, got %s", at, w.Action, have.Step.Action)}
	}
	at += " " + w.Action
	id := have.ID.String()
	if c.masks.match([]string{"id"}) {
		id = w.ID
	}
	for _, of := range []struct{ name, want, have string }{
		{"rule", w.Rule, have.Step.Rule}, {"call", w.Name, have.Step.Call}, {"id", w.ID, id},
	} {
		if of.want != "" && of.want != of.have {
			diffs = append(diffs, fmt.Sprintf("%s: the %s: want %q, got %q", at, of.name, of.want, of.have))
		}
	}
	return append(diffs, c.differences(at, c.masks.apply(decoded(w.Call)), c.masks.apply(shown(have)))...)
}

// differences compares what is wanted with what is there. Of maps only the wanted keys are compared, unless all have to
// be wanted, and all else as a whole. A wanted null stands for a field that is left out.
func (c *comparer) differences(at string, want, have any) []string {
	wantMap, ok := want.(map[string]any)
	haveMap, alsoMap := have.(map[string]any)
	if !ok || !alsoMap {
		if w, h := jsonOf(want), jsonOf(have); w != h {
			return []string{fmt.Sprintf("%s: want %s, got %s", at, w, h)}
		}
		return nil
	}
	keys := wantMap
	if c.exact {
		keys = maps.Clone(haveMap)
		maps.Copy(keys, wantMap)
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		out = append(out, c.differences(at+"."+key, wantMap[key], haveMap[key])...)
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
