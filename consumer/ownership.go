package consumer

import (
	"context"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// ownership is the lease on a consumer-group generation or on the pin of a stream. It is the context that handed-out messages come
// with.
//
// Its Deadline moves forward with every proof that the partitions are still owned: it is the last proof plus the session
// timeout or, while they are being given up, the end of the drain. An ownership that went without a proof for longer than the
// session timeout is lost for good, even if a proof arrives later, because whoever asked for its deadline meanwhile has dropped
// what it held.
type ownership struct {
	*lease.Lease
	session time.Duration

	mu    sync.Mutex
	proof time.Time // when the last request was written that proved the ownership
	lost  bool
}

// handler is what messages are handed to, under their lease.
type handler func(lease context.Context, m event.Message, done func()) error

// newOwnership starts an ownership that was proved by a request written at proof.
func newOwnership(proof time.Time, session time.Duration) *ownership {
	o := &ownership{session: session, proof: proof}
	o.Lease = lease.New(o.until)
	return o
}

// until is when the last proof wears out.
func (o *ownership) until() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	return o.proof.Add(o.session)
}

// expire notes that the last proof is worn out. The caller holds mu.
func (o *ownership) expire() {
	if time.Now().After(o.proof.Add(o.session)) {
		o.lost = true
	}
}

// renew notes that a request written at sent was answered in a way that proves the ownership. It reports false when the ownership
// is lost: the proof before was then older than the session timeout.
func (o *ownership) renew(sent time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	if !o.lost && sent.After(o.proof) {
		o.proof = sent
	}
	return !o.lost
}

// lose ends the ownership at once, for a broker that has said that others own the partitions. Deadline is past from here on.
func (o *ownership) lose() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = true
	if past := time.Now().Add(-o.session - time.Nanosecond); o.proof.After(past) {
		o.proof = past
	}
}

// owned reports whether the partitions are still owned, as far as the last proof tells.
func (o *ownership) owned() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	return !o.lost
}
