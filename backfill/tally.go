package backfill

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// Tally is what messages became.
type Tally struct {
	Messages   int // that were read and mapped
	Unwanted   int // of which nothing came that was asked for, and nothing was left out
	Calls      int
	Failures   int
	Unreadable int // messages that no rule could read, where rules were chosen

	// Events are calls that Customer.io takes as events: track, pageview and screen. Triggering counts those that can
	// still start a campaign by their age, and TooOld those that cannot.
	Triggering, TooOld int

	Destructive int // calls left out because they cannot be taken back
	Once        int // calls left out because they count twice when they are made twice

	ByRule []RuleTally // in the order of names
}

// RuleTally is what came of one rule.
type RuleTally struct {
	Rule     string          `json:"rule"` // empty for events that no rule could read
	Calls    map[string]int  `json:"calls,omitempty"`
	Failures []FailureTally  `json:"failures,omitempty"`
	failed   map[failure]int // by kind
}

// FailureTally counts failures of one kind.
type FailureTally struct {
	Reason event.Reason `json:"reason"`
	Field  string       `json:"field,omitempty"`
	Detail string       `json:"detail,omitempty"` // in the bridge's own words
	Count  int          `json:"count"`
}

// failure is a kind of failure.
type failure struct {
	reason        event.Reason
	field, detail string
}

// mostKinds bounds how many kinds of failures of a rule are told apart. What comes then is counted by its reason alone.
const mostKinds = 50

// leftOut is what was left out of a message.
type leftOut struct{ destructive, once, unreadable int }

// tally counts. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	all    Tally
	byRule map[string]*RuleTally
}

func newTally() tally { return tally{byRule: map[string]*RuleTally{}} }

// add counts a message.
func (t *tally) add(calls []event.Call, failures []event.Failure, left leftOut) {
	oldest := time.Now().Add(-customerio.TriggerWindow).UnixMilli()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all.Messages++
	if len(calls)+len(failures) == 0 && left == (leftOut{}) {
		t.all.Unwanted++
	}
	t.all.Calls += len(calls)
	t.all.Failures += len(failures)
	t.all.Destructive += left.destructive
	t.all.Once += left.once
	t.all.Unreadable += left.unreadable
	for i := range calls {
		c := &calls[i]
		t.rule(c.Step.Rule).Calls[c.Step.Action]++
		switch {
		case !c.Step.Repeatable:
		case c.ID.Millis() >= oldest:
			t.all.Triggering++
		default:
			t.all.TooOld++
		}
	}
	for i := range failures {
		f := &failures[i]
		of, kind := t.rule(f.Rule).failed, failure{f.Reason, f.Field, f.Detail}
		if _, known := of[kind]; !known && len(of) >= mostKinds {
			kind.field, kind.detail = "", ""
		}
		of[kind]++
	}
}

// rule is where a rule is counted. The caller holds mu.
func (t *tally) rule(name string) *RuleTally {
	r := t.byRule[name]
	if r == nil {
		r = &RuleTally{Rule: name, Calls: map[string]int{}, failed: map[failure]int{}}
		t.byRule[name] = r
	}
	return r
}

// copy is what was counted by now.
func (t *tally) copy() Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.all
	for _, name := range slices.Sorted(maps.Keys(t.byRule)) {
		r := t.byRule[name]
		of := RuleTally{Rule: name, Calls: maps.Clone(r.Calls)}
		for kind, n := range r.failed {
			of.Failures = append(of.Failures, FailureTally{kind.reason, kind.field, kind.detail, n})
		}
		slices.SortFunc(of.Failures, func(a, b FailureTally) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Field, b.Field),
				cmp.Compare(a.Detail, b.Detail))
		})
		all.ByRule = append(all.ByRule, of)
	}
	return all
}
