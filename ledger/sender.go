package ledger

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
)

// Next is what makes the attempts: the pipeline's Sender, or another wrapper around one.
type Next interface {
	Send(ctx context.Context, calls []event.Call) []event.Outcome
}

// Sender notes in a store what becomes of calls whose Step says Once, and never has one sent of which it is not certain
// that it was not sent before. All other calls go by. It may be used from several goroutines.
type Sender struct {
	next    Next
	store   Store
	grace   time.Duration
	owner   Owner
	log     *zap.Logger
	metrics *metrics
	health  health

	mu     sync.Mutex
	moving map[event.ID]*attempt
	// owed are outcomes that this process knows and the store may not have: they are stored before anything else is
	// done with their calls. What this process has an intent for and owes no outcome was never attempted.
	owed map[event.ID]outcome
}

// settleMargin is how much longer than a request an attempt may take before its outcome is stored.
const settleMargin = 5 * time.Second

// New makes a Sender. Next calls Claim right before it makes a request. Timeout is that of a request of next: another's
// intent that is younger may yet get an outcome.
func New(next Next, store Store, timeout time.Duration, log *zap.Logger, reg prometheus.Registerer) *Sender {
	s := &Sender{
		next: next, store: store, grace: timeout + settleMargin, owner: newOwner(), log: log,
		moving: map[event.ID]*attempt{}, owed: map[event.ID]outcome{},
	}
	s.health.place = store.Place()
	s.metrics = newMetrics(reg, s.Ready)
	return s
}

// newOwner is another one each time.
func newOwner() Owner {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		if owner := Owner(binary.BigEndian.Uint64(b[:])); owner != Operator {
			return owner
		}
	}
}

// Ready is nil while the last attempt to use the store succeeded, or none was made for a minute, and otherwise says
// since when and why calls wait for it. It names no address.
func (s *Sender) Ready() error { return s.health.ready() }

// Send gives calls to the next sender, one by one where they count twice when they are sent twice. After one that stays
// open those behind it stay open, too.
func (s *Sender) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	first := passing(calls)
	if first == len(calls) {
		return s.next.Send(ctx, calls)
	}
	outcomes := make([]event.Outcome, len(calls))
	for from, to := 0, first; from < len(calls); from, to = to, to+passing(calls[to:]) {
		if from == to {
			to++
			outcomes[from] = s.sendOnce(ctx, &calls[from])
		} else {
			copy(outcomes[from:to], s.next.Send(ctx, calls[from:to]))
		}
		if slices.ContainsFunc(outcomes[from:to], func(o event.Outcome) bool { return o.Result == event.Open }) {
			break
		}
	}
	return outcomes
}

// passing is how many of the first calls may be sent twice.
func passing(calls []event.Call) int {
	for i := range calls {
		if calls[i].Step.Once {
			return i
		}
	}
	return len(calls)
}

// The pauses after which a call is looked at again.
const (
	movingPause  = 100 * time.Millisecond // another goroutine has it
	failingPause = time.Second            // the store does not answer
)

// later leaves a call open until then.
func later(pause time.Duration) event.Outcome { return event.Outcome{NotBefore: time.Now().Add(pause)} }

// sendOnce settles a call by what is known of it, or has it sent.
func (s *Sender) sendOnce(ctx context.Context, call *event.Call) event.Outcome {
	a := s.begin(call.ID)
	if a == nil {
		return later(movingPause)
	}
	defer s.end(call.ID)
	if o, is := s.owes(call.ID); is {
		return s.pay(ctx, call.ID, o)
	}
	if settled := s.lookUp(ctx, call, a); settled != nil {
		return *settled
	}
	o := outcome{outcome: s.attempt(ctx, call)}
	o.claim = a.claim
	switch {
	case a.settled != nil:
		return *a.settled
	case a.claim.State == Unknown:
		return o.outcome // it did not come so far
	}
	switch o.outcome.Result {
	case event.Delivered:
		o.state = Sent
	case event.Refused:
		o.state = NotSent
	default:
		o.state = NotSent
		if o.outcome.MayBeSent {
			o.state, o.outcome = Uncertain, cutOff(call, o.outcome.Failure)
			s.metrics.uncertain.Inc()
		}
	}
	s.owe(call.ID, o)
	return s.pay(ctx, call.ID, o)
}

func (s *Sender) attempt(ctx context.Context, call *event.Call) event.Outcome {
	outcomes := s.next.Send(ctx, []event.Call{*call})
	if len(outcomes) == 0 {
		return event.Outcome{}
	}
	return outcomes[0]
}

// untilDeadline is a context for what comes before an attempt. It goes on when ctx has ended, as an attempt does, and
// ends where no attempt may begin any more.
func untilDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(context.WithoutCancel(ctx))
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// begin takes a call for this goroutine. It is nil where another has it.
func (s *Sender) begin(id event.ID) *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moving[id] != nil {
		return nil
	}
	a := &attempt{}
	s.moving[id] = a
	return a
}

func (s *Sender) end(id event.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.moving, id)
}
