package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
	"github.com/ciobridge/ciobridge/pipeline/people"
)

// TestARuleThatNamesTooManyNewPeopleStops: a hundred an hour are well, whoever is known does not count, and the one too
// many is held until somebody has looked; then as many more may come.
func TestARuleThatNamesTooManyNewPeopleStops(t *testing.T) {
	defer func(before event.Step) { *identifyStep = before }(*identifyStep)
	identifyStep.NamesPerson, identifyStep.Watched = true, true
	onBench(t, quiet(), nil, func(b *bench) {
		b.p.stages.Rules = func(string) event.RulePolicy {
			return event.RulePolicy{Owner: "crm", NewPeople: 100, Per: time.Hour}
		}
		l := newTestLease()
		for i := range 300 {
			b.must(l, 0, fmt.Sprintf("canary%d %d identify", i%100, i))
		}
		b.pass(time.Minute)
		if b.settled() != 300 || b.p.Stopped() != nil {
			t.Fatalf("%d done, %v", b.settled(), b.p.Stopped())
		}
		b.pass(time.Hour)
		for i := range 150 {
			b.must(l, 0, fmt.Sprintf("q%d %d identify", i, 300+i))
		}
		b.must(l, 0, "canary7 500 identify") // who is known, and whose rule has stopped
		b.pass(time.Minute)
		stops := b.p.Stops()
		if b.settled() != 400 || len(stops) != 1 || stops[0].Cause != breaker.NewPeople || stops[0].Rule != "r" ||
			!strings.Contains(b.p.Stopped().Error(), `the rule "r" of "crm" has stopped, because it names more people`) {
			t.Errorf("%d done, %v", b.settled(), b.p.Stopped())
		}
		if !l.End(time.Second) {
			t.Error("what is held does not let its lease go")
		}
		b.p.mu.Lock()
		b.p.breaker.Resume(func(breaker.Stop) bool { return true })
		b.p.people.Resume()
		b.p.mu.Unlock()
		l = newTestLease()
		for i := range 150 {
			b.must(l, 0, fmt.Sprintf("q%d %d identify", i, 300+i))
		}
		b.pass(time.Minute)
		if b.settled() != 550 {
			t.Errorf("%d done after the rule was resumed", b.settled())
		}
		l.End(time.Second)
	})
}

// TestALimitForAllRulesStopsWhoNamesMost: and not the one that happened to name the last.
func TestALimitForAllRulesStopsWhoNamesMost(t *testing.T) {
	b := people.New(people.Limit{People: 10, Per: time.Hour})
	now := time.Now()
	meet := func(rule string, person int) string {
		lane := func(int) event.Lane { return event.LaneKindOf("id").Of(fmt.Append(nil, person)) }
		if b.Knows(1, lane) {
			return "known"
		}
		return b.Meet(rule, people.Limit{}, now, 1, lane)
	}
	for i := range 10 {
		rule := []string{"greedy", "greedy", "modest"}[i%3]
		if over := meet(rule, i); over != "" {
			t.Fatalf("person %d: %s", i, over)
		}
	}
	if over := meet("modest", 10); over != "greedy" {
		t.Errorf("%q is stopped", over)
	}
	for _, person := range []int{3, 10} {
		if over := meet("modest", person); over != "known" {
			t.Errorf("person %d, who was met, is %q", person, over)
		}
	}
	for i := 11; i < 17; i++ { // of the ten that may be new beside the rule that has stopped, four are its own
		if over := meet("other", i); over != "" {
			t.Errorf("person %d: %q is stopped once more", i, over)
		}
	}
	if over := meet("modest", 17); over != "other" {
		t.Errorf("%q is stopped", over)
	}
	now = now.Add(time.Hour)
	if over := meet("modest", 18); over != "" {
		t.Errorf("%q is stopped in the next hour", over)
	}
}

// TestWhoNamedManyLongAgoIsNotBlamed: of all people only those of the time that goes on count.
func TestWhoNamedManyLongAgoIsNotBlamed(t *testing.T) {
	b := people.New(people.Limit{People: 100, Per: time.Hour})
	now, person := time.Now(), 0
	meet := func(rule string) string {
		person++
		lane := func(int) event.Lane { return event.LaneKindOf("id").Of(fmt.Append(nil, person)) }
		return b.Meet(rule, people.Limit{}, now, 1, lane)
	}
	for range 50 {
		for range 90 {
			if over := meet("steady"); over != "" {
				t.Fatalf("%q is stopped", over)
			}
		}
		now = now.Add(time.Hour)
	}
	for range 100 {
		meet("broken")
	}
	if over := meet("steady"); over != "broken" {
		t.Errorf("%q is stopped", over)
	}
}

// TestThePeopleOfLateAreKnown: a million are kept apart, and of those before them most are forgotten.
func TestThePeopleOfLateAreKnown(t *testing.T) {
	b := people.New(people.Limit{})
	lane := func(i int) func(int) event.Lane {
		return func(int) event.Lane { return event.LaneKindOf("id").Of(fmt.Append(nil, i)) }
	}
	n := longtest.Either(300_000, 1_000_000)
	taken := 0
	for i := range n {
		if b.Knows(1, lane(i)) {
			taken++
			continue
		}
		b.Meet("r", people.Limit{}, time.Time{}, 1, lane(i))
	}
	for i := n - 1000; i < n; i++ {
		if !b.Knows(1, lane(i)) {
			t.Fatalf("person %d is forgotten", i)
		}
	}
	if taken > n/100 {
		t.Errorf("%d of %d were taken for somebody else", taken, n)
	}
}
