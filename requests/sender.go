package requests

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
)

// Next is what makes the attempts.
type Next interface {
	Send(ctx context.Context, calls []event.Call) []event.Outcome
}

// Tell stores a text under a key in a topic, or on a subject, of the broker. It returns when the broker has it. By the
// id the broker may know what it has already.
type Tell func(ctx context.Context, to, key, id string, text []byte) error

// Sender sends calls by another sender. It may be used from several goroutines.
type Sender struct {
	next Next
	tell Tell
	log  *zap.Logger

	mu       sync.Mutex
	attempts map[event.ID]int // of calls that are open
}

// New makes a Sender. Tell publishes answers, and may be nil where no rule has any published.
func New(next Next, tell Tell, log *zap.Logger) *Sender {
	return &Sender{next: next, tell: tell, log: log, attempts: map[event.ID]int{}}
}

// Send has calls sent, and settles those whose request is their rule's own as the rule says.
func (s *Sender) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	start := time.Now()
	outcomes := s.next.Send(ctx, calls)
	copied := false
	for i := range min(len(calls), len(outcomes)) {
		if single := calls[i].Single; single == nil || single.Raw == nil {
			continue
		}
		if !copied {
			outcomes, copied = slices.Clone(outcomes), true // they are the next sender's
		}
		outcomes[i] = s.settle(ctx, &calls[i], outcomes[i], time.Since(start))
	}
	return outcomes
}

func (s *Sender) settle(ctx context.Context, call *event.Call, o event.Outcome, took time.Duration) event.Outcome {
	raw := call.Single.Raw
	if o.Result == event.Open && o.Failure == nil {
		return o // no attempt was made
	}
	n := s.count(call.ID)
	if raw.Debug {
		s.logAttempt(call, o, n, took)
	}
	if o = again(o, call, n, time.Now()); o.Result == event.Open && !undecided(o, call) {
		return o
	}
	s.forget(call.ID)
	if o.Result == event.Open || raw.ReplyTo == "" || o.Answer == nil {
		return o
	}
	if err := s.publish(ctx, call, o.Answer); err != nil {
		return unpublished(call, o)
	}
	return o
}

// undecided reports whether an attempt leaves it to a person whether there is another: it would count twice, and may
// have been carried out. Whoever keeps it from being sent twice settles it.
func undecided(o event.Outcome, call *event.Call) bool { return o.MayBeSent && call.Step.Once }

// again decides whether another attempt follows the one that gave an outcome, the nth.
func again(o event.Outcome, call *event.Call, n int, now time.Time) event.Outcome {
	r := call.Single.Raw.Retry
	last := r.Most > 0 && n >= r.Most
	switch {
	case o.Result == event.Refused && r.AllErrors && !last:
		o = event.Outcome{Failure: o.Failure}
	case o.Result != event.Open, undecided(o, call):
		return o
	case last:
		f := *o.Failure
		f.Reason = event.ReasonPoison
		f.Detail = "given up after as many attempts as retry.max_attempts allows: " + f.Detail
		return event.Outcome{Result: event.Refused, Failure: &f, Answer: o.Answer, Status: o.Status,
			Request: o.Request}
	}
	if r.Delay > 0 {
		// A rule that says how often and how long decides alone when there is no more attempt.
		o.Suspect = o.Suspect && r.Most == 0
		if at := now.Add(pause(r, n)); at.After(o.NotBefore) {
			o.NotBefore = at
		}
	}
	return o
}

// maxPause bounds pauses that grow.
const maxPause = time.Hour

// pause is that after the nth attempt.
func pause(r event.RawRetry, n int) time.Duration {
	d := r.Delay
	for ; r.Growing && n > 1 && d < maxPause; n-- {
		d *= 2
	}
	return min(d, maxPause)
}

// maxCounted is how many calls are counted at once. It is far above what is in flight.
const maxCounted = 100_000

func (s *Sender) count(id event.ID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.attempts) >= maxCounted {
		clear(s.attempts) // of calls that went away unsettled
	}
	s.attempts[id]++
	return s.attempts[id]
}

func (s *Sender) forget(id event.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.attempts, id)
}

// logAttempt logs an attempt. It has nothing of the event and nothing of the answer but what the bridge understood.
func (s *Sender) logAttempt(call *event.Call, o event.Outcome, n int, took time.Duration) {
	fields := []zap.Field{
		zap.String("rule", call.Step.Rule), zap.String("call", call.Step.Call), zap.Stringer("id", call.ID),
		zap.String("request", call.Single.Raw.Target), zap.Int("bytes", len(call.Body)), zap.Int("attempt", n),
		zap.Duration("took", took), zap.Bool("taken", o.Result == event.Delivered),
	}
	if o.Answer != nil {
		fields = append(fields, zap.Int("status", o.Answer.Status), zap.Int("answer_bytes", len(o.Answer.Body)))
	}
	if o.Failure != nil {
		fields = append(fields, zap.String("detail", o.Failure.Detail))
	}
	s.log.Info("a request of a rule's own was made", fields...)
}
