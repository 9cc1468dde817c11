package mapping_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
)

const (
	liveBefore = `
rules:
  - {name: order, event: order, if: .total > 0, do: [{track: {person: .id, name: bought}}]}
  - {name: gone, event: gone, do: [{track: {person: .id, name: left}}]}
`
	liveAfter = `
rules:
  - {name: order, event: order, if: .total > 0, do: [{track: {person: .id, name: paid}}]}
  - {name: fresh, event: fresh, do: [{track: {person: .id, name: came}}]}
`
)

func mapLive(t *testing.T, rules *live.Rules, values ...string) (calls []event.Call, failures []event.Failure) {
	t.Helper()
	for i, value := range values {
		c, f := rules.Map(&event.Message{Origin: event.Origin{Topic: "t", Offset: int64(i)}, Value: []byte(value)})
		calls, failures = append(calls, c...), append(failures, f...)
	}
	return calls, failures
}

// TestExchangedRulesCountOn: what a rule has done goes on under its name, one that is gone is told of no more, and a
// call or failure knows which rules made it.
func TestExchangedRulesCountOn(t *testing.T) {
	first, second := compileText(t, liveBefore), compileText(t, liveAfter)
	rules := live.New(first)
	values := []string{`{"type":"order","id":"1","total":1}`, `{"type":"order","id":"1","total":0}`,
		`{"type":"order","total":1}`, `{"type":"gone","id":"1"}`, `{"type":"fresh","id":"1"}`}
	calls, failures := mapLive(t, rules, values...)
	if len(calls) != 2 || calls[0].Step.Rules != first.Hash() || len(failures) != 1 ||
		failures[0].Rules != first.Hash() {
		t.Fatalf("%v, %v: want two calls and a failure of %s", calls, failures, first.Hash())
	}
	rules.Exchange(second)
	if now, generation := rules.Current(); now != second || generation != 2 {
		t.Fatalf("generation %d of %s", generation, now.Hash())
	}
	if types, _ := second.Unmatched(); len(types) != 0 {
		t.Errorf("types that the rules name now are told as unmatched: %v", types)
	}
	calls, failures = mapLive(t, rules, values...)
	if len(calls) != 2 || calls[0].Step.Rules != second.Hash() || len(failures) != 1 ||
		failures[0].Rules != second.Hash() {
		t.Fatalf("%v, %v: want two calls and a failure of %s", calls, failures, second.Hash())
	}
	want := []mapping.RuleStats{{Rule: "order", Matched: 4, Skipped: 2, Calls: 2, Failed: 2},
		{Rule: "fresh", Matched: 1, Calls: 1}}
	if got := second.Stats(); !slices.Equal(got, want) {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if got, want := second.Skips(), (mapping.Skips{NoRule: 2, Condition: 2}); got != want {
		t.Errorf("skipped %+v, want %+v", got, want)
	}
}

// TestRulesAreExchangedWhileMessagesAreMapped: each message is mapped by one set of rules, none is missing, and memory
// comes back from whatever rules took it.
func TestRulesAreExchangedWhileMessagesAreMapped(t *testing.T) {
	rules := live.New(compileText(t, liveBefore))
	var readers sync.WaitGroup
	const each = 2000
	for range 4 {
		readers.Go(func() {
			for range each {
				m := event.Message{Origin: event.Origin{Topic: "t"}, Value: []byte(`{"type":"order","id":"1","total":1}`)}
				calls, failures := rules.Map(&m)
				if len(calls) != 1 || len(failures) != 0 {
					t.Errorf("%v, %v", calls, failures)
					return
				}
				rules.Recycle(slices.Values([][]event.Call{calls}))
			}
		})
	}
	for i := range 20 {
		rules.Exchange(compileText(t, []string{liveAfter, liveBefore}[i%2]))
	}
	readers.Wait()
	if got := rules.Now().Stats()[0]; got.Matched != 4*each || got.Calls != 4*each {
		t.Errorf("%d events and %d calls counted of %d", got.Matched, got.Calls, 4*each)
	}
	if _, generation := rules.Current(); generation != 21 {
		t.Errorf("generation %d", generation)
	}
}

// TestARuleThatSendsNothing makes its calls for whoever looks, and counts them; the pipeline gets none, nor what
// fails, and the other rules of the event are as they were.
func TestARuleThatSendsNothing(t *testing.T) {
	trial := "\n  - {name: trial, event: order, send: false, do: [{track: {person: .id, name: tried}}]}\n"
	with, without := compileText(t, liveBefore+trial[1:]), compileText(t, liveBefore)
	for _, value := range []string{`{"type":"order","id":"1","total":1}`, `{"type":"order","total":1}`,
		`{"type":"order","id":"1","total":0}`} {
		m := event.Message{Value: []byte(value)}
		calls, failures := with.Map(&m)
		want, wantFailures := without.Map(&m)
		if !sameCalls(calls, want) || len(failures) != len(wantFailures) {
			t.Errorf("%s: %v, %v, want %v, %v", value, calls, failures, want, wantFailures)
		}
		seen := with.Explain(m)
		if n := len(seen.Calls) + len(seen.Failures); n != len(want)+len(wantFailures)+1 {
			t.Errorf("%s: %+v is shown", value, seen)
		}
		for i := range seen.Calls {
			if c := &seen.Calls[i]; c.Step.Unsent != (c.Step.Rule == "trial") {
				t.Errorf("%s: %+v", value, c.Step)
			}
		}
	}
	stats := with.Stats()
	if s := stats[len(stats)-1]; s.Matched != 6 || s.Calls != 4 || s.Failed != 2 || s.Unsent != 2 {
		t.Errorf("counted %+v", s)
	}
	if s := with.Skips(); s.Unsent != 1 || s.Condition+s.NoCall != 0 {
		t.Errorf("skipped %+v", s)
	}
	if notes := with.Notes(); len(notes) != 1 || notes[0].Path != "rules[2].send" {
		t.Errorf("notes %v", notes)
	}
	if with.Hash() == without.Hash() {
		t.Error("the hash is the same")
	}
}
