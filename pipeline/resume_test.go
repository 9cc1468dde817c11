package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/memlogtest"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
)

// teams maps by two rules: those of persons whose name begins with a are of one team, whose rule can be broken, and the
// others' rule is well.
type teams struct {
	mapper
	broken     *atomic.Bool // in mapping
	unreadable *atomic.Bool // what comes from the topic "bad"
}

var (
	ownStep   = &event.Step{Rule: "own", Call: "identify", Action: "identify"}
	otherStep = &event.Step{Rule: "other", Call: "identify", Action: "identify"}
)

func (t teams) Map(m *event.Message) ([]event.Call, []event.Failure) {
	if m.Origin.Topic == "bad" && t.unreadable.Load() {
		return nil, []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonUndecodable}}
	}
	calls, failures := t.mapper.Map(m)
	for i := range calls {
		calls[i].Step = otherStep
		if strings.HasPrefix(string(m.Value), "a") {
			calls[i].Step = ownStep
		}
	}
	if t.broken.Load() && strings.HasPrefix(string(m.Value), "a") {
		return nil, []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonMissingField, Rule: "own"}}
	}
	return calls, failures
}

// twoTeams runs a pipeline with messages of two teams in one partition for each topic. Of the teams' rules that of the
// first can be broken, and the events of the topic "bad" unreadable, as set says before anything is read.
func twoTeams(t *testing.T, topics []string, policy event.RulePolicy, set func(teams), test func(*rig, teams)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := DefaultConfig(testLimits)
		r := &rig{config: c, letters: &letterbox{}, dest: &fakeCustomerIO{
			rand: rand.New(rand.NewPCG(1, 1)), latency: 50 * time.Millisecond,
			troubles: map[string]int{}, inFlight: map[string]int{}}}
		r.messages = make([][]event.Message, len(topics))
		for i := range 2000 {
			at := i / 2 % len(topics)
			person := fmt.Sprintf("%s%d", []string{"a", "b"}[i%2], i/2%40)
			r.messages[at] = append(r.messages[at], event.Message{
				Origin: event.Origin{Topic: topics[at], Partition: int32(at), Offset: int64(len(r.messages[at]))},
				Value:  fmt.Appendf(nil, "%s %d identify", person, i+1),
			})
			r.history.Published = append(r.history.Published, checkertest.Published{Person: person, Seq: i + 1})
		}
		r.source = memlogtest.New(r.messages)
		m := teams{broken: &atomic.Bool{}, unreadable: &atomic.Bool{}}
		set(m)
		r.p = New(c, Stages{Source: r.source, Mapper: m, Sender: r.dest, DeadLetters: r.letters, Recycle: m.Recycle,
			Rules: func(rule string) event.RulePolicy {
				if rule == "own" {
					return policy
				}
				return event.RulePolicy{}
			}}, canarytest.Logger(t), canarytest.Registry(t))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.p.Run(ctx) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		test(r, m)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// takenOf counts the events of a team's persons that Customer.io has taken.
func (r *rig) takenOf(team string) int {
	r.dest.mu.Lock()
	defer r.dest.mu.Unlock()
	taken := map[string]bool{}
	for _, receipt := range r.dest.receipts {
		if strings.HasPrefix(receipt.Person, team) {
			taken[receipt.ID] = true
		}
	}
	return len(taken)
}

// One team's rule breaks: its events are held, with few dead letters, while the other team's flow on. When the rule is
// mended and resumed, the held ones are read again, in their order, and none is lost.
func TestABrokenRuleHoldsItsOwnEvents(t *testing.T) {
	twoTeams(t, []string{"t"}, event.RulePolicy{Owner: "crm"}, func(m teams) { m.broken.Store(true) },
		func(r *rig, m teams) {
			if got := r.takenOf("b"); got != 1000 {
				t.Errorf("%d of the 1000 events of the other team were sent", got)
			}
			if n := len(r.letters.letters); n == 0 || n >= breaker.LeastResults || r.takenOf("a") != 0 {
				t.Errorf("%d dead letters", n)
			}
			stops := r.p.Stops()
			if len(stops) != 1 || stops[0].Rule != "own" || stops[0].Owner != "crm" ||
				stops[0].Cause != breaker.Failing || !r.p.Stats().Stopped ||
				!strings.Contains(r.p.Stopped().Error(), `the rule "own" of "crm" has stopped`) {
				t.Errorf("stopped: %+v, %v", stops, r.p.Stopped())
			}
			if r.p.Resume(func(s Stop) bool { return s.Rule == "other" }) != nil {
				t.Error("a rule is resumed that has not stopped")
			}
			m.broken.Store(false)
			if got := r.p.Resume(func(Stop) bool { return true }); !slices.Equal(got, stops) {
				t.Errorf("resumed: %+v", got)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if !r.source.Settled() || r.p.Stopped() != nil {
				t.Errorf("not settled: %v, %v", r.source.Floors(), r.p.Stopped())
			}
			r.check(t, checkertest.Limits{Fallbacks: true, Repeats: -1})
		})
}

// A rule that is resumed and still broken stops again, after as few letters as the first time.
func TestARuleThatIsStillBrokenStopsAgain(t *testing.T) {
	twoTeams(t, []string{"t"}, event.RulePolicy{}, func(m teams) { m.broken.Store(true) }, func(r *rig, m teams) {
		before := len(r.letters.letters)
		r.p.Resume(func(Stop) bool { return true })
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.letters.letters) - before; n == 0 || n >= breaker.LeastResults || r.p.Stopped() == nil {
			t.Errorf("%d more letters, %v", n, r.p.Stopped())
		}
	})
}

// With on_failure: dead_letter what fails becomes dead letters, and nothing stops.
func TestARuleThatDeadLettersNeverStops(t *testing.T) {
	twoTeams(t, []string{"t"}, event.RulePolicy{DeadLetters: true}, func(m teams) { m.broken.Store(true) },
		func(r *rig, m teams) {
			if len(r.letters.letters) != 1000 || !r.source.Settled() || r.p.Stopped() != nil {
				t.Errorf("%d letters, settled %v, %v", len(r.letters.letters), r.source.Settled(), r.p.Stopped())
			}
		})
}

// The events of one topic cannot be read: that topic stops, no rule is blamed, and the other topic flows on.
func TestATopicThatCannotBeReadStopsAlone(t *testing.T) {
	twoTeams(t, []string{"good", "bad"}, event.RulePolicy{}, func(m teams) { m.unreadable.Store(true) },
		func(r *rig, m teams) {
			stops := r.p.Stops()
			if len(stops) != 1 || stops[0].Rule != "" || stops[0].Topic != "bad" {
				t.Fatalf("stopped: %+v", stops)
			}
			if floors := r.source.Floors(); floors[0] != len(r.messages[0]) || floors[1] >= breaker.LeastResults {
				t.Errorf("read up to %v", floors)
			}
			m.unreadable.Store(false)
			r.p.Resume(func(s Stop) bool { return s.Topic == "bad" })
			time.Sleep(time.Hour)
			synctest.Wait()
			if !r.source.Settled() {
				t.Errorf("not settled: %v", r.source.Floors())
			}
			r.check(t, checkertest.Limits{Fallbacks: true, Repeats: -1})
		})
}

// Customer.io refuses what the rule makes: what is refused after the stop keeps its place, and nothing of its persons
// passes it, whatever rule it is of.
func TestWhatIsRefusedAfterAStopIsHeld(t *testing.T) {
	refuse := func(_ context.Context, calls []event.Call) []event.Outcome {
		out := make([]event.Outcome, len(calls))
		for i, c := range calls {
			out[i].Result = event.Delivered
			if c.Step.Rule == "r" && strings.HasSuffix(string(c.Body), "identify") {
				out[i].Result = event.Refused
			}
		}
		return out
	}
	onBench(t, DefaultConfig(testLimits), refuse, func(b *bench) {
		l := newTestLease()
		for i := range 3 * breaker.LeastResults {
			b.must(l, 0, fmt.Sprintf("canary%d %d identify", i%50, i))
		}
		b.pass(time.Hour)
		held := 3*breaker.LeastResults - len(b.letters.letters)
		if b.settled() != len(b.letters.letters) || held <= breaker.LeastResults {
			t.Errorf("%d done, %d letters", b.settled(), len(b.letters.letters))
		}
		if !l.End(time.Second) {
			t.Error("what is held does not let its lease go")
		}
	})
}

// by maps as mapper does, by one rule of the set that is in use.
type by struct {
	mapper
	step *atomic.Pointer[event.Step]
}

func (b by) Map(m *event.Message) ([]event.Call, []event.Failure) {
	calls, failures := b.mapper.Map(m)
	for i := range calls {
		calls[i].Step = b.step.Load()
	}
	return calls, failures
}

// Rules are exchanged while calls of those of before are in requests and in lanes, and Customer.io refuses them. That
// stops no rule of the new ones, whatever its name; what is refused of the new ones does.
func TestRefusalsOfEarlierRulesStopNoneOfTheNewOnes(t *testing.T) {
	steps := []*event.Step{
		{Rule: "r", Call: "identify", Action: "identify", Rules: "1"},
		{Rule: "r", Call: "identify", Action: "identify", Rules: "2"},
	}
	var broken atomic.Pointer[event.Step]
	broken.Store(steps[0])
	slow := func(_ context.Context, calls []event.Call) []event.Outcome {
		time.Sleep(10 * time.Second)
		out := make([]event.Outcome, len(calls))
		for i, c := range calls {
			out[i].Result = event.Delivered
			if c.Step == broken.Load() {
				out[i].Result = event.Refused
			}
		}
		return out
	}
	onBench(t, DefaultConfig(testLimits), slow, func(b *bench) {
		var step atomic.Pointer[event.Step]
		step.Store(steps[0])
		b.p.stages.Mapper = by{step: &step}
		l := newTestLease()
		const events = 3 * breaker.LeastResults
		put := func(from int) {
			for i := range events { // two for each person: one in a request, one behind it
				b.must(l, 0, fmt.Sprintf("p%d %d identify", i/2, from+i))
			}
		}
		put(0)
		b.pass(time.Second)
		step.Store(steps[1])
		b.p.RulesChanged("2")
		put(events)
		b.pass(time.Hour)
		if n := len(b.letters.letters); b.p.Stopped() != nil || n != events || b.settled() != 2*events {
			t.Errorf("%d letters, %d done, %v", n, b.settled(), b.p.Stopped())
		}
		broken.Store(steps[1])
		put(2 * events)
		b.pass(time.Hour)
		if b.p.Stopped() == nil {
			t.Error("the rule in use is refused and goes on")
		}
		l.End(time.Second)
	})
}
