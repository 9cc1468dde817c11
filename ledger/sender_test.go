package ledger_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/ledger"
)

// memory is a store in memory, which can be out of order.
type memory struct {
	table           *ledger.Table
	down, downAfter atomic.Bool // all fails; what is not an intent fails
	writes          atomic.Int32
}

func newMemory() *memory { return &memory{table: ledger.NewTable(30*24*time.Hour, 1000)} }

func (m *memory) Get(_ context.Context, id event.ID) (ledger.Record, error) {
	if m.down.Load() {
		return ledger.Record{}, ledger.ErrUnreachable
	}
	return m.table.Get(id), nil
}

func (m *memory) Put(_ context.Context, id event.ID, _, next ledger.Record) (ledger.Record, error) {
	if m.down.Load() || m.downAfter.Load() && next.State != ledger.Intent {
		return ledger.Record{}, ledger.ErrUnreachable
	}
	m.writes.Add(1)
	m.table.Apply(id, next, time.Now())
	return m.table.Get(id), nil
}

func (m *memory) Forgotten() time.Time                  { return m.table.Forgotten(time.Now()) }
func (*memory) Check(context.Context) ([]string, error) { return nil, nil }
func (*memory) Place() string                           { return "memory" }
func (m *memory) sender(t *testing.T, next ledger.Next) *ledger.Sender {
	return noted(t, next, m, 10*time.Second)
}

// claiming asks whether a request may go before it has it made, as the delivery does.
type claiming struct {
	ledger.Next
	ledger *ledger.Sender
}

func (c *claiming) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	if !c.ledger.Claim(ctx, calls) {
		return make([]event.Outcome, len(calls))
	}
	return c.Next.Send(ctx, calls)
}

// noted is a ledger around a sender that makes attempts.
func noted(t *testing.T, next ledger.Next, s ledger.Store, timeout time.Duration) *ledger.Sender {
	c := &claiming{Next: next}
	c.ledger = ledger.New(c, s, timeout, canarytest.Logger(t), canarytest.Registry(t))
	return c.ledger
}

// answers are the outcomes of one attempt after another.
type answers struct {
	list  []event.Outcome
	calls int
}

func (a *answers) Send(_ context.Context, calls []event.Call) []event.Outcome {
	outcomes := make([]event.Outcome, len(calls))
	for i := range calls {
		outcomes[i] = a.list[a.calls]
		a.calls++
	}
	return outcomes
}

var (
	taken     = event.Outcome{Result: event.Delivered}
	refused   = event.Outcome{Result: event.Refused, Failure: &event.Failure{Reason: event.ReasonRefused}}
	notSent   = event.Outcome{Failure: &event.Failure{Detail: "connection refused"}}
	cutOff    = event.Outcome{MayBeSent: true, Failure: &event.Failure{Detail: "no answer in time", Status: 502}}
	untouched = event.Outcome{}
)

func sendOne(l *ledger.Sender, id event.ID) event.Outcome {
	return l.Send(context.Background(), []event.Call{onceCall(id)})[0]
}

func isUncertain(o event.Outcome) bool {
	return o.Result == event.Refused && o.Failure.Reason == event.ReasonSendUncertain && o.Unheard
}

// What an attempt brings decides whether there may be another one, in this process and in the next.
func TestWhatMayBeAttemptedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		first event.Outcome
		again bool
		then  event.Result
	}{
		"taken": {taken, false, event.Delivered}, "refused": {refused, true, event.Delivered},
		"not sent": {notSent, true, event.Delivered}, "not attempted": {untouched, true, event.Delivered},
		"cut off": {cutOff, false, event.Refused},
	} {
		for _, sameProcess := range []bool{true, false} {
			m, a, id := newMemory(), &answers{list: []event.Outcome{c.first, taken}}, newID()
			l := m.sender(t, a)
			first := sendOne(l, id)
			if !sameProcess {
				l = m.sender(t, a)
			}
			then := sendOne(l, id)
			if again := a.calls == 2; again != c.again || then.Result != c.then {
				t.Errorf("%s: %d attempts, then %+v", name, a.calls, then)
			}
			if name == "cut off" {
				if !isUncertain(first) || !isUncertain(then) || first.Failure.Status != 502 {
					t.Errorf("cut off: %+v, then %+v", first, then)
				}
			} else if first.Result != c.first.Result || first.Failure != c.first.Failure {
				t.Errorf("%s: the first outcome is %+v", name, first)
			}
			if name == "taken" && !then.Unheard {
				t.Error("what is known says something about the destination")
			}
		}
	}
}

func TestOtherCallsGoBy(t *testing.T) {
	m, a := newMemory(), &answers{list: []event.Outcome{taken, refused, notSent, taken, taken}}
	m.down.Store(true)
	plain := event.Call{ID: newID(), Step: &event.Step{Repeatable: true}}
	outcomes := m.sender(t, a).Send(t.Context(), []event.Call{plain, plain, plain})
	if outcomes[0] != taken || outcomes[1] != refused || outcomes[2] != notSent || m.writes.Load() > 0 {
		t.Errorf("got %+v", outcomes)
	}
	// One that stays open keeps those behind it from passing.
	outcomes = m.sender(t, a).Send(t.Context(), []event.Call{plain, onceCall(newID()), plain})
	if outcomes[0] != taken || outcomes[1].Result != event.Open || outcomes[2] != (event.Outcome{}) || a.calls != 4 {
		t.Errorf("around a call that waits: %+v after %d attempts", outcomes, a.calls)
	}
}

// While the ledger is out of order nothing is sent, and what was sent stays open until everybody can know.
func TestTheLedgerIsDown(t *testing.T) {
	m, a, id := newMemory(), &answers{list: []event.Outcome{taken, taken}}, newID()
	l := m.sender(t, a)
	m.down.Store(true)
	if o := sendOne(l, id); o.Result != event.Open || o.Failure != nil || o.NotBefore.IsZero() || a.calls > 0 ||
		l.Ready() == nil {
		t.Fatalf("without a ledger: %+v after %d attempts", o, a.calls)
	}
	m.down.Store(false)
	m.downAfter.Store(true)
	if o := sendOne(l, id); o.Result != event.Open || o.NotBefore.IsZero() || a.calls != 1 || l.Ready() == nil {
		t.Fatalf("where the outcome cannot be stored: %+v after %d attempts", o, a.calls)
	}
	if o := sendOne(l, id); o.Result != event.Open || a.calls != 1 {
		t.Fatalf("while it cannot: %+v after %d attempts", o, a.calls)
	}
	m.downAfter.Store(false)
	if o := sendOne(l, id); o.Result != event.Delivered || a.calls != 1 || l.Ready() != nil {
		t.Fatalf("after that: %+v after %d attempts, %v", o, a.calls, l.Ready())
	}
	// What could not be stored of a call that has gone to another replica is stored when it can be.
	gone := newID()
	m.downAfter.Store(true)
	a.list = append(a.list, taken, taken)
	sendOne(l, gone)
	m.downAfter.Store(false)
	sendOne(l, newID())
	if known := m.table.Get(gone); known.State != ledger.Sent {
		t.Errorf("of a call that went elsewhere: %+v", known)
	}
	// A bridge that ends stores what it could not store before.
	second := newID()
	m.downAfter.Store(true)
	sendOne(l, second)
	m.downAfter.Store(false)
	l.Settle(t.Context())
	if known := m.table.Get(second); known.State != ledger.Sent {
		t.Errorf("in the end: %+v", known)
	}
}

// A bridge whose waiting calls have gone to another replica is ready again.
func TestALedgerThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := m.sender(t, &answers{})
		m.down.Store(true)
		sendOne(l, newID())
		time.Sleep(30 * time.Second)
		if l.Ready() == nil {
			t.Error("ready while a call waits")
		}
		time.Sleep(time.Minute)
		if err := l.Ready(); err != nil {
			t.Error(err)
		}
	})
}

// held is an attempt that ends when it is told to.
type held struct{ end chan struct{} }

func (h held) Send(_ context.Context, calls []event.Call) []event.Outcome {
	<-h.end
	return []event.Outcome{taken}
}

// After a rebalance the new owner waits for the outcome of the old one; one that comes later still counts.
func TestAnOldOwnerIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, old, a := newMemory(), held{make(chan struct{})}, &answers{}
		l, id, ended := m.sender(t, a), newID(), make(chan event.Outcome)
		go func() { ended <- sendOne(m.sender(t, old), id) }()
		synctest.Wait()
		o := sendOne(l, id)
		if o.Result != event.Open || o.Failure != nil || time.Until(o.NotBefore) != 15*time.Second {
			t.Errorf("while it may be on its way: %+v", o)
		}
		time.Sleep(time.Until(o.NotBefore))
		if o := sendOne(l, id); !isUncertain(o) {
			t.Errorf("after that: %+v", o)
		}
		if err := ledger.Decide(t.Context(), m, id, false, time.Minute); err == nil {
			t.Error("it is decided about a call that may be on its way")
		}
		close(old.end)
		if o := <-ended; o.Result != event.Delivered {
			t.Errorf("the old owner: %+v", o)
		}
		if o := sendOne(l, id); o.Result != event.Delivered || a.calls > 0 {
			t.Errorf("in the end: %+v", o)
		}
		wrong := newID()
		m.table.Apply(wrong, ledger.Record{}.Follow(ledger.Intent, 7, time.Now().Add(time.Hour)), time.Now())
		if err := ledger.Decide(t.Context(), m, wrong, false, time.Minute); err != nil {
			t.Errorf("of an intent by a clock that was wrong: %v", err)
		}
		if err := ledger.Decide(t.Context(), m, id, false, 0); err == nil {
			t.Error("it is decided that a call was not sent that was")
		}
	})
}

// A call waits for a decision unless it is known to be sent, or not to be sent. Under another identity it would not be
// known that it was sent.
func TestWhatIsUndecided(t *testing.T) {
	for state, want := range map[ledger.State][2]bool{
		ledger.Unknown: {true, true}, ledger.Intent: {true, true}, ledger.Uncertain: {true, true},
		ledger.NotSent: {false, false}, ledger.Sent: {false, true},
	} {
		m, id := newMemory(), newID()
		if state != ledger.Unknown {
			m.table.Apply(id, ledger.Record{}.Follow(state, 7, time.Now()), time.Now())
		}
		for i, renamed := range []bool{false, true} {
			if got, err := ledger.Undecided(t.Context(), m, id, renamed); got != want[i] || err != nil {
				t.Errorf("%s, renamed %v: %v, %v", state, renamed, got, err)
			}
		}
	}
}

func TestACallThatTheLedgerHasForgotten(t *testing.T) {
	m, a := newMemory(), &answers{list: []event.Outcome{taken, taken, taken}}
	l, old := m.sender(t, a), idAt(time.Now().Add(-31*24*time.Hour))
	if o := sendOne(l, old); !isUncertain(o) || a.calls > 0 {
		t.Errorf("an event of last month: %+v", o)
	}
	if err := ledger.Decide(t.Context(), m, old, false, 0); err != nil {
		t.Fatal(err)
	}
	if o := sendOne(l, old); o.Result != event.Delivered {
		t.Errorf("after it was decided: %+v", o)
	}
	for _, id := range []event.ID{idAt(time.UnixMilli(0)), idAt(time.Now().Add(-29 * 24 * time.Hour))} {
		if o := sendOne(l, id); o.Result != event.Delivered {
			t.Errorf("%s: %+v", id, o)
		}
	}
}
