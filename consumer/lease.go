package consumer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// Lease is the right to read the partitions of a consumer-group generation, or the stream of a pin, and to send what
// was read. It is the context that handed-out messages come with.
//
// Its Deadline moves forward with every proof that the partitions are still owned: it is the last proof plus the
// session timeout or, while they are being given up, the end of the drain. A lease that went without a proof for longer
// than the session timeout is lost for good, even if a proof arrives later, because whoever asked for its deadline
// meanwhile has dropped what it held.
type Lease struct {
	*lease.Lease
	session time.Duration

	mu    sync.Mutex
	proof time.Time // when the last request was written that proved it
	lost  bool
}

// NewLease starts a lease that was proved by a request written at proof.
func NewLease(proof time.Time, session time.Duration) *Lease {
	o := &Lease{session: session, proof: proof}
	o.Lease = lease.New(o.until)
	return o
}

// until is when the last proof wears out.
func (o *Lease) until() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	return o.proof.Add(o.session)
}

// expire notes that the last proof is worn out. The caller holds mu.
func (o *Lease) expire() {
	if time.Now().After(o.proof.Add(o.session)) {
		o.lost = true
	}
}

// Renew notes that a request written at sent was answered in a way that proves the lease. It reports false when the
// lease is lost: the proof before was then older than the session timeout.
func (o *Lease) Renew(sent time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	if !o.lost && sent.After(o.proof) {
		o.proof = sent
	}
	return !o.lost
}

// Lose ends the lease at once, for a broker that has said that others own the partitions. Deadline is past from here
// on.
func (o *Lease) Lose() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = true
	if past := time.Now().Add(-o.session - time.Nanosecond); o.proof.After(past) {
		o.proof = past
	}
}

// Owned reports whether the partitions are still owned, as far as the last proof tells.
func (o *Lease) Owned() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	return !o.lost
}

// WaitWhereStopped makes a handler that keeps a message of a topic that has stopped until the lease ends. It is for a
// source in which nobody else is held up by that.
func WaitWhereStopped(handle event.Handler) event.Handler {
	return func(lease event.Lease, m *event.Message, done func()) error {
		err := handle(lease, m, done)
		if errors.Is(err, event.ErrTopicStopped) {
			<-lease.Done()
			return context.Cause(lease)
		}
		return err
	}
}
