// Package late decides about events that are too old to trigger anything: Customer.io takes them, records them, and
// starts no campaign for them. Messages that are sent for them would come too late.
//
// A Limit belongs to one rule and counts what it finds. It may be used from several goroutines, and starts none.
package late

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Limit says how old an event may be.
type Limit struct {
	After time.Duration
	Skip  bool // what is older is left out
	Fail  bool // what is older is a dead letter; where neither is said it is sent

	late *atomic.Uint64
}

// New makes a limit that has found nothing yet.
func New(after time.Duration, skip, fail bool) *Limit {
	return &Limit{After: after, Skip: skip, Fail: fail, late: &atomic.Uint64{}}
}

// Continue has the limit count on from where another one stands, which goes on counting with it. Either may be nil.
func (l *Limit) Continue(other *Limit) {
	if l != nil && other != nil {
		l.late = other.late
	}
}

// Late reports whether an event that happened at a time, in unix milliseconds, is too old by now, and counts it.
func (l *Limit) Late(ms int64, now time.Time) bool {
	if now.UnixMilli()-ms <= l.After.Milliseconds() {
		return false
	}
	l.late.Add(1)
	return true
}

// Count is how many were too old. A nil Limit has found none.
func (l *Limit) Count() uint64 {
	if l == nil {
		return 0
	}
	return l.late.Load()
}

// Detail words what is wrong with an event of that time, whose call is one that sends a message, or any other.
func (l *Limit) Detail(ms int64, now time.Time, sends bool) string {
	what := "Customer.io would record it, and start nothing for it"
	if sends {
		what = "the message would come too late"
	}
	return fmt.Sprintf("the event is %s old, and too_late.after is %s: %s", now.Sub(time.UnixMilli(ms)).
		Round(time.Minute), l.After, what)
}
