package deadletter

import (
	"context"
	"sync/atomic"
	"time"
)

// lease is the context that replayed messages come with: the right to replay, for as long as the hold on the log lasts.
type lease struct {
	context.Context // its Done closes when the replay is being given up

	hold    *Hold
	drainBy atomic.Pointer[time.Time] // nil until Done closes
}

// newLease returns a lease and the function that ends it, which leaves what is on its way so much time.
func newLease(hold *Hold) (*lease, func(drain time.Duration)) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lease{Context: ctx, hold: hold}
	return l, func(drain time.Duration) {
		end := time.Now().Add(drain)
		l.drainBy.CompareAndSwap(nil, &end)
		cancel()
	}
}

// Deadline is the time from which no attempt may begin: the earlier of the hold's own limit and, once Done is closed, the end of
// the drain. It may be later each time it is asked for.
func (l *lease) Deadline() (time.Time, bool) {
	d := l.hold.Until()
	if end := l.drainBy.Load(); end != nil && (d.IsZero() || end.Before(d)) {
		d = *end
	}
	return d, !d.IsZero()
}
