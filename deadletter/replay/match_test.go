package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/event"
)

// call makes the n-th call of a rule's step.
func call(n int, rule, name string) event.Call {
	return event.Call{ID: lettertest.ID(n), Step: &event.Step{Rule: rule, Call: name,
		Action: strings.SplitN(name, ":", 2)[0]}}
}

func failure(n int, rule, name string) event.Failure {
	return event.Failure{ID: lettertest.ID(n), Rule: rule, Call: name, Reason: event.ReasonRuleError}
}

func stored(n int, rule, name string) *deadletter.Letter {
	l := &deadletter.Letter{}
	l.Failure = failure(n, rule, name)
	return l
}

// asStored are the wishes of letters that are replayed by their own names.
func asStored(letters []*deadletter.Letter) []wish {
	wishes := make([]wish, len(letters))
	for i, l := range letters {
		wishes[i] = (&Mapper{rules: oneCall}).wishOf(l)
	}
	return wishes
}

func of(item int32, c event.Call) event.Call {
	c.Item = item
	return c
}

func ofItem(item int, l *deadletter.Letter) *deadletter.Letter {
	l.Failure.Item = item
	return l
}

func ofList(l *deadletter.Letter) *deadletter.Letter {
	l.Failure.Field = "each"
	return l
}

func failedItem(item int, f event.Failure) event.Failure {
	f.Item = item
	return f
}

func TestMatch(t *testing.T) {
	two := []event.Call{call(1, "order", "identify"), call(2, "order", "track:done"), call(3, "audit", "track:seen")}
	items := []event.Call{call(1, "order", "track:item"), call(2, "order", "track:item")}
	several := []event.Call{of(1, call(1, "order", "identify")), of(1, call(2, "order", "track:done")),
		of(2, call(3, "order", "identify")), of(2, call(4, "order", "track:done"))}
	for name, c := range map[string]struct {
		letters  []*deadletter.Letter
		calls    []event.Call
		failures []event.Failure
		want     string
	}{
		"its own call": {[]*deadletter.Letter{stored(2, "order", "track:done")}, two, nil,
			"2=[0]"},
		"identity changed, one of that name": {[]*deadletter.Letter{stored(9, "order", "track:done")}, two, nil,
			"2=[0]"},
		"identity changed, several": {[]*deadletter.Letter{stored(9, "order", "track:item")}, items, nil, ""},
		"a list that can be read again": {[]*deadletter.Letter{ofList(stored(9, "order", "track:item"))}, items, nil,
			"1=[0] 2=[0]"},
		"a list of which an item fails": {[]*deadletter.Letter{ofList(stored(9, "order", "track:item"))}, items[:1],
			[]event.Failure{failure(2, "order", "track:item")}, "1=[0] !2/order/track:item=[0]"},
		"a list that fails again": {[]*deadletter.Letter{ofList(stored(9, "order", "track:item"))}, nil,
			[]event.Failure{failure(9, "order", "track:item")}, "!9/order/track:item=[0]"},
		"identity changed, and another event fails in a call of that name": {
			[]*deadletter.Letter{ofItem(2, stored(9, "order", "track:done"))}, several[2:],
			[]event.Failure{failedItem(1, failure(8, "order", "track:done"))}, "4=[0]"},
		"one of several items": {[]*deadletter.Letter{stored(2, "order", "track:item")}, items, nil,
			"2=[0]"},
		"no longer made":                   {[]*deadletter.Letter{stored(9, "order", "track:gone")}, two, nil, ""},
		"the rule failed before its calls": {[]*deadletter.Letter{stored(9, "order", "")}, two, nil, "1=[0] 2=[0]"},
		"failed before any rule":           {[]*deadletter.Letter{stored(9, "", "")}, two, nil, "1=[0] 2=[0] 3=[0]"},
		"two letters of one event": {[]*deadletter.Letter{stored(3, "audit", "track:seen"),
			stored(1, "order", "identify")}, two, nil, "1=[1] 3=[0]"},
		"two letters that overlap": {[]*deadletter.Letter{stored(9, "order", ""),
			stored(1, "order", "identify")}, two, nil, "1=[0 1] 2=[0]"},
		"fails the same way": {[]*deadletter.Letter{stored(2, "order", "track:done")}, two[:1],
			[]event.Failure{failure(2, "order", "track:done")}, "!2/order/track:done=[0]"},
		"fails under another identity": {[]*deadletter.Letter{stored(9, "order", "track:done")}, two[:1],
			[]event.Failure{failure(2, "order", "track:done")}, "!2/order/track:done=[0]"},
		"another call fails": {[]*deadletter.Letter{stored(1, "order", "identify")}, two[:1],
			[]event.Failure{failure(2, "order", "track:done")}, "1=[0]"},
		"now the rule fails": {[]*deadletter.Letter{stored(2, "order", "track:done")}, two[2:],
			[]event.Failure{failure(8, "order", "")}, "!2/order/track:done=[0]"},
		"now the event fails": {[]*deadletter.Letter{stored(2, "order", "track:done"),
			stored(8, "audit", "")}, nil, []event.Failure{failure(7, "", "")}, "!2/order/track:done=[0] !8/audit/=[1]"},
		"one of the rule's calls fails": {[]*deadletter.Letter{stored(9, "order", "")}, two[:1],
			[]event.Failure{failure(2, "order", "track:done")}, "1=[0] !2/order/track:done=[0]"},
		"another rule fails": {[]*deadletter.Letter{stored(9, "order", "")}, two[:2],
			[]event.Failure{failure(8, "audit", "")}, "1=[0] 2=[0]"},
		"an event of a record": {[]*deadletter.Letter{ofItem(2, stored(9, "", ""))}, several, nil, "3=[0] 4=[0]"},
		"a rule for an event of a record": {[]*deadletter.Letter{ofItem(1, stored(9, "order", ""))}, several, nil,
			"1=[0] 2=[0]"},
		"identity changed, one of that name in its event": {
			[]*deadletter.Letter{ofItem(2, stored(9, "order", "track:done"))}, several, nil, "4=[0]"},
		"no such event any more": {[]*deadletter.Letter{ofItem(3, stored(9, "", ""))}, several, nil, ""},
		"a record that was given up": {[]*deadletter.Letter{stored(9, "", "")}, several, nil,
			"1=[0] 2=[0] 3=[0] 4=[0]"},
		"now the record fails": {[]*deadletter.Letter{ofItem(2, stored(9, "", ""))}, nil,
			[]event.Failure{failure(8, "", "")}, "!9//=[0]"},
		"now another event fails": {[]*deadletter.Letter{ofItem(2, stored(9, "", ""))}, several[2:],
			[]event.Failure{failedItem(1, failure(8, "", ""))}, "3=[0] 4=[0]"},
		"the event fails again": {[]*deadletter.Letter{ofItem(2, stored(9, "", ""))}, several[:2],
			[]event.Failure{failedItem(2, failure(9, "", ""))}, "!9//=[0]"},
		"the event fails in a rule": {[]*deadletter.Letter{ofItem(2, stored(9, "", ""))}, several[:2],
			[]event.Failure{failedItem(2, failure(8, "order", ""))}, "!8/order/=[0]"},
		"a record of one event becomes several, which fail": {[]*deadletter.Letter{stored(1, "order", "identify")}, nil,
			[]event.Failure{failedItem(2, failure(8, "", ""))}, ""},
		"the rule fails again": {[]*deadletter.Letter{stored(9, "order", "")}, nil,
			[]event.Failure{failure(9, "order", "")}, "!9/order/=[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			a := match(c.letters, asStored(c.letters), c.calls, c.failures, skipsNothing)
			if got := render(a); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func skipsNothing(*event.Step) skip { return nothingSkips }

func render(a matching) string {
	var parts []string
	for _, c := range a.calls {
		parts = append(parts, fmt.Sprintf("%d=%v", c.ID[8], a.owners[c.ID]))
	}
	for _, f := range a.failures {
		parts = append(parts, fmt.Sprintf("!%d/%s/%s=%v", f.ID[8], f.Rule, f.Call, a.owners[f.ID]))
	}
	return strings.Join(parts, " ")
}

func TestALetterOfWhichACallIsSkippedStaysWhole(t *testing.T) {
	calls := []event.Call{call(1, "gone", "track:bye"), call(2, "gone", "delete"), call(3, "other", "track:x")}
	letters := []*deadletter.Letter{stored(9, "gone", ""), stored(3, "other", "track:x")}
	for _, why := range []skip{destructive, held} {
		skipped := func(s *event.Step) skip {
			if s.Action == "delete" {
				return why
			}
			return nothingSkips
		}
		a := match(letters, asStored(letters), calls, []event.Failure{failure(4, "gone", "track:late")}, skipped)
		if got := render(a); got != "3=[1]" || !slices.Equal(a.skipped, []skip{why, nothingSkips}) {
			t.Errorf("got %q, skipped %v", got, a.skipped)
		}
	}
}

// An event of which thousands of calls fail again is matched at once, whether the identities are the same or have
// changed.
func TestMatchOfThousandsOfLetters(t *testing.T) {
	const n = 5_000
	var letters []*deadletter.Letter
	var calls []event.Call
	var failures []event.Failure
	for i := range n {
		name := fmt.Sprint("track:", i)
		letters = append(letters, stored(i, "order", name))
		if i%2 == 0 {
			calls = append(calls, call(i+i%4*n, "order", name))
		} else {
			failures = append(failures, failure(i, "order", name))
		}
	}
	begun := time.Now()
	m := match(letters, asStored(letters), calls, failures, skipsNothing)
	if took := time.Since(begun); took > 5*time.Second { // the cube of them takes minutes
		t.Errorf("it took %s", took)
	}
	if len(m.calls) != n/2 || len(m.failures) != n/2 {
		t.Errorf("%d calls and %d failures", len(m.calls), len(m.failures))
	}
	for i := range m.calls {
		if len(m.owners[m.calls[i].ID]) != 1 {
			t.Fatalf("call %s belongs to %v", m.calls[i].ID, m.owners[m.calls[i].ID])
		}
	}
}
