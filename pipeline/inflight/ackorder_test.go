package inflight

import (
	"testing"
	"time"
	"unsafe"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// A message that was retried leaves a lane while the source is being told of one that had overtaken it in a
// request. That one waits for nothing any more, since it is used again for another message; who comes behind both
// waits for the retried one.
func TestRetriedWhileOvertakerIsTold(t *testing.T) {
	o, a, own := NewAckOrder(), NewAssignment(lease.New(func() time.Time { return time.Time{} }), 1), &memory.Account{}
	retried, overtaker, behind := &Message{}, &Message{}, &Message{}
	for _, m := range []*Message{retried, overtaker, behind} {
		m.Assignment, m.Account = a, own
		o.Enter(m)
		a.Add(m)
	}
	overtaker.Calls = []event.Call{{Lanes: []event.Lane{7}}}
	o.remember(overtaker, 7)
	if !o.Finish(overtaker) {
		t.Fatal("a message waits for nobody and is not done")
	}
	a.Remove(overtaker)
	o.remember(retried, 7)
	if overtaker.awaits != 0 || retried.followers != nil {
		t.Error("a message that is being told waits for another")
	}
	if next := o.Forget(overtaker, nil); len(next) > 0 {
		t.Errorf("%d are told with it", len(next))
	}
	o.follow(behind, 7)
	if behind.awaits != 1 {
		t.Errorf("the one behind both waits for %d", behind.awaits)
	}
}

// A message in flight fills memory that Go gives out in pieces of 512 bytes; the next larger ones have 576.
func TestSizeOfAMessage(t *testing.T) {
	if n := unsafe.Sizeof(Message{}); n > 512 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a message takes %d bytes", n)
	}
}
