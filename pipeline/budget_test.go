package pipeline

import (
	"testing"

	"github.com/ciobridge/ciobridge/event"
)

// desk asks a budget for room on behalf of messages.
type desk struct {
	t *testing.T
	b budget
	n *assignment
}

func newDesk(t *testing.T, limit int64) *desk {
	return &desk{t: t, b: budget{limit: limit, shares: map[sharekey]*share{}}, n: newAssignment(t.Context())}
}

// ask gives the message, and what it waits for when it has to.
func (d *desk) ask(partition int32, bytes int64) (*message, *reservation) {
	msg := &message{bytes: bytes, assignment: d.n, Message: event.Message{Origin: event.Origin{Topic: "t", Partition: partition}}}
	return msg, d.b.take(msg)
}

func (d *desk) granted(r *reservation) bool {
	if r == nil {
		return true
	}
	select {
	case ok := <-r.granted:
		return ok
	default:
		return false
	}
}

// TestBudgetPassesOverAPartitionThatHasItsShare: one partition is stuck with its half, and its next message waits; others
// come and go.
func TestBudgetPassesOverAPartitionThatHasItsShare(t *testing.T) {
	d := newDesk(t, 100)
	other, _ := d.ask(1, 10)
	d.ask(0, 30)
	d.ask(0, 20)
	if _, r := d.ask(0, 60); d.granted(r) {
		t.Fatal("a partition got more than its share while another one has messages")
	}
	next, r := d.ask(1, 10)
	if !d.granted(r) {
		t.Error("a partition waits behind one that has its share")
	}
	d.b.give(other)
	d.b.give(next)
	if _, r := d.ask(2, 50); !d.granted(r) {
		t.Error("a partition that holds nothing waits although there is room")
	}
	if d.b.used != 100 {
		t.Errorf("%d bytes in use", d.b.used)
	}
}

// TestBudgetKeepsALargeMessageFromBeingPassed: small ones do not take the room for which a large one waits.
func TestBudgetKeepsALargeMessageFromBeingPassed(t *testing.T) {
	d := newDesk(t, 100)
	first, _ := d.ask(0, 40)
	_, large := d.ask(1, 90)
	_, small := d.ask(2, 10)
	if d.granted(large) || d.granted(small) {
		t.Error("granted without room, or out of turn")
	}
	d.b.give(first)
	if !d.granted(large) || !d.granted(small) {
		t.Error("not granted although there is room")
	}
	if huge, r := d.ask(3, 500); d.granted(r) {
		t.Errorf("%d bytes beside others in a budget of 100", huge.bytes)
	}
}

// TestBudgetForgetsPartitions: what has nothing in hand and waits for nothing takes no memory.
func TestBudgetForgetsPartitions(t *testing.T) {
	d := newDesk(t, 100)
	var in []*message
	for i := range int32(10) {
		m, _ := d.ask(i, 10)
		in = append(in, m)
	}
	d.ask(20, 10)
	d.b.refuse(d.n)
	if len(d.b.shares) != 10 || len(d.b.queue) != 0 {
		t.Errorf("%d shares, %d waiting", len(d.b.shares), len(d.b.queue))
	}
	for _, m := range in {
		d.b.give(m)
	}
	if d.b.used != 0 || len(d.b.shares) != 0 {
		t.Errorf("%d bytes and %d shares left", d.b.used, len(d.b.shares))
	}
}

// TestALonePartitionMayHaveItAll: shares are for those who have company.
func TestALonePartitionMayHaveItAll(t *testing.T) {
	d := newDesk(t, 100)
	for range 10 {
		if _, r := d.ask(0, 10); !d.granted(r) {
			t.Fatalf("no room beside %d bytes", d.b.used)
		}
	}
}
