package erasure

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
)

// Next is what the calls go to that no fence holds: the sender of the delivery, or another wrapper of it. Its contract
// is that of the pipeline's sender.
type Next interface {
	Send(ctx context.Context, calls []event.Call) []event.Outcome
}

// Options say how a Sender works.
type Options struct {
	// Settle is how long an erasure waits after its fence was raised, so that no request of another replica is on the
	// wire that does not know of the fence.
	Settle time.Duration
	// Skew is by how much the clocks of different logs may differ.
	Skew time.Duration
	// Workspace names the workspace of a destination; nil means that there is one.
	Workspace func(event.Destination) string
	// Report tells of an erasure that Customer.io has accepted, and returns when that is stored. It may be called again
	// for the same one. Nil tells nobody.
	Report func(context.Context, Report) error
	// Erased is told after each erasure that was accepted. Nil is told nothing.
	Erased func()
}

// Sender is the next sender behind the fences. It may be used from several goroutines.
type Sender struct {
	fences  *Fences
	next    Next
	opts    Options
	log     *zap.Logger
	metrics *metrics
}

// NewSender makes a Sender. The fences are open.
func NewSender(f *Fences, next Next, o Options, log *zap.Logger, reg prometheus.Registerer) *Sender {
	if o.Workspace == nil {
		o.Workspace = func(event.Destination) string { return "" }
	}
	return &Sender{fences: f, next: next, opts: o, log: log, metrics: newMetrics(reg, f)}
}

// pause is how long a call waits where the fences cannot be read or written.
const pause = time.Second

// writeLimit bounds what is written for one call. Of a stopping bridge it is part of the drain.
const writeLimit = 5 * time.Second

// Send sends the calls that no fence holds. A call that is held for good is refused with the reason erased. Where the
// fences cannot be read or written, what needs them stays open, for as long as that takes.
func (s *Sender) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	if s.fences.Behind() > fresh {
		s.metrics.blind.Add(1)
		return opened(len(calls), time.Now().Add(pause))
	}
	plan := s.plan(ctx, calls)
	if plan == nil {
		return s.next.Send(ctx, calls)
	}
	var sent []event.Call
	for i := range calls {
		if plan.judged[i].verdict == send {
			sent = append(sent, calls[i])
		}
	}
	if len(sent) > 0 {
		outcomes := s.next.Send(ctx, sent)
		plan.stuck = false
		for i, n := 0, 0; i < len(calls); i++ {
			if plan.judged[i].verdict == send {
				plan.outcomes[i] = s.settled(ctx, plan, &calls[i], plan.judged[i].digests, outcomes[n])
				n++
			}
		}
	}
	return plan.outcomes
}

// opened are outcomes of calls of which no attempt was made.
func opened(n int, notBefore time.Time) []event.Outcome {
	outcomes := make([]event.Outcome, n)
	for i := range outcomes {
		outcomes[i].NotBefore = notBefore
	}
	return outcomes
}

// settled notes that an erasure was accepted, and tells of it. Until both are stored the call stays open: to be deleted
// twice harms nobody.
func (s *Sender) settled(ctx context.Context, p *plan, c *event.Call, of []Digest, o event.Outcome) event.Outcome {
	if o.Result != event.Delivered || !erases(c) {
		return o
	}
	if p.stuck { // a stopping bridge could not wait for each of a thousand
		return event.Outcome{NotBefore: time.Now().Add(pause)}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	err := s.report(ctx, c, of)
	if err == nil {
		at, suppress := placeOf(c), c.Step.Fence == event.SuppressFence
		err = s.fences.put(ctx, of, func(_ Digest, old Fence, _ bool) Fence { return old.take(suppress, at) })
	}
	if err != nil {
		p.stuck = true
		s.metrics.failed(s.log, "an erasure was accepted, and cannot be noted or told of; it will be sent again", err)
		return event.Outcome{NotBefore: time.Now().Add(pause)}
	}
	s.metrics.erased.Add(1)
	if s.opts.Erased != nil {
		s.opts.Erased()
	}
	s.metrics.worked()
	return o
}

func (s *Sender) report(ctx context.Context, c *event.Call, of []Digest) error {
	if s.opts.Report == nil {
		return nil
	}
	r := Report{ID: c.ID, Action: c.Step.Action, Rule: c.Step.Rule, Workspace: c.Step.Workspace,
		At: placeOf(c).Time, Accepted: time.Now()}
	for _, d := range of {
		r.Persons = append(r.Persons, d.String())
	}
	return s.opts.Report(ctx, r)
}
