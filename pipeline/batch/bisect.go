package batch

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// When a call that fails alone is poison.
const (
	// PoisonAttempts is how often it must have failed.
	PoisonAttempts = 10
	// PoisonAge is for how long.
	PoisonAge = 15 * time.Minute
	// PoisonPerHour is how many events an hour may be given up, and of how many events calls may fail alone at a
	// time: more are a part of Customer.io that is down.
	PoisonPerHour = 10
)

// Bisector finds the call for which a batch fails. Its zero value knows of no failures; it is not safe for
// concurrent use.
//
// When a whole request fails, one of its calls may be the cause, or the destination may be down. Its calls become
// suspects, which travel in smaller and smaller batches among themselves. A call is poison only when it has failed
// often and long enough while it stood alone, and others were accepted all the while: what it failed with before,
// in company or in an outage, says nothing. Everything that is not poison is waited for.
type Bisector struct {
	accepted uint64                    // requests in which a call was settled
	alone    map[*inflight.Message]int // by message, its calls that fail while alone in their request
	poisoned []time.Time               // when the messages of the last hour were found to have poison
}

// A Failure is a request that failed as a whole, as one of its calls has to see it.
type Failure struct {
	Calls   int  // that the request carried
	AtFault bool // the destination refused the request for something in it
	All     bool // the request was everything that could move
}

// Accepted notes that the destination settled a call of a request.
func (b *Bisector) Accepted() { b.accepted++ }

// Alone is how many messages have calls that fail while alone in their request.
func (b *Bisector) Alone() int { return len(b.alone) }

// Narrow narrows the batch in which a suspect may travel, and reports whether the call is poison.
//
// The batch is halved only after another request succeeded since the call last failed: otherwise the destination
// itself may be down. It is halved at once where the request is at fault, or where it was all that could move, so
// that no other can succeed.
func (b *Bisector) Narrow(c *inflight.Call, f Failure, now time.Time) (poison bool) {
	h := c.History
	progress := h.Attempts > 1 && b.accepted > h.Accepted
	if c.Limit == 0 || int(c.Limit) > f.Calls {
		c.Limit = int32(f.Calls)
	}
	if f.AtFault || progress || f.All {
		c.Limit = int32(max(1, f.Calls/2))
	}
	h.Accepted = b.accepted
	if f.Calls > 1 {
		return false
	}
	if h.Alone.IsZero() {
		h.Alone = now
		if b.alone == nil {
			b.alone = map[*inflight.Message]int{}
		}
		b.alone[c.Message]++
	}
	if !progress {
		return false
	}
	h.AloneFailures++
	return h.AloneFailures >= PoisonAttempts && now.Sub(h.Alone) >= PoisonAge &&
		len(b.alone) <= PoisonPerHour && b.allow(c.Message, now)
}

// allow reports whether a call of a message may be given up as poison, and counts the message.
func (b *Bisector) allow(m *inflight.Message, now time.Time) bool {
	if slices.ContainsFunc(m.Failures, func(f event.Failure) bool { return f.Reason == event.ReasonPoison }) {
		return true
	}
	for len(b.poisoned) > 0 && now.Sub(b.poisoned[0]) >= time.Hour {
		b.poisoned = b.poisoned[1:]
	}
	if len(b.poisoned) >= PoisonPerHour {
		return false
	}
	b.poisoned = append(b.poisoned, now)
	return true
}

// Forget forgets what was held against a call.
func (b *Bisector) Forget(c *inflight.Call) {
	if c.History != nil && !c.History.Alone.IsZero() {
		c.History.Alone = time.Time{}
		if b.alone[c.Message]--; b.alone[c.Message] == 0 {
			delete(b.alone, c.Message)
		}
	}
}

// AloneBackoff is how long a call that failed alone waits before its next attempt: 1 s, doubled up to a minute,
// less up to a half by chance so that many do not return together.
func AloneBackoff(attempts int) time.Duration {
	pause := time.Minute
	if attempts < 7 {
		pause = time.Second << max(0, attempts-1)
	}
	return pause - rand.N(pause/2)
}
