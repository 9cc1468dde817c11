package memory_test

import (
	"testing"

	"github.com/ciobridge/ciobridge/internal/memory"
)

// desk asks a limiter for room on behalf of messages.
type desk struct{ *memory.Limiter }

// held is what a message has reserved.
type held struct {
	*memory.Account
	bytes int64
}

func newDesk(limit int64) desk { return desk{memory.New(limit)} }

// ask gives what the message holds, and what it waits for when it has to.
func (d desk) ask(partition int32, bytes int64) (held, *memory.Waiter) {
	a, w := d.Reserve(memory.Partition{Topic: "t", ID: partition}, bytes)
	return held{a, bytes}, w
}

func (d desk) give(h held) { d.Release(h.Account, h.bytes) }

func granted(w *memory.Waiter) bool {
	if w == nil {
		return true
	}
	select {
	case <-w.Granted:
		return true
	default:
		return false
	}
}

// TestAPartitionThatHasItsShareIsPassed: one partition is stuck with its half, and its next message waits; others
// come and go.
func TestAPartitionThatHasItsShareIsPassed(t *testing.T) {
	d := newDesk(100)
	other, _ := d.ask(1, 10)
	d.ask(0, 30)
	d.ask(0, 20)
	if _, w := d.ask(0, 60); granted(w) {
		t.Fatal("a partition got more than its share while another one has messages")
	}
	next, w := d.ask(1, 10)
	if !granted(w) {
		t.Error("a partition waits behind one that has its share")
	}
	if d.Full() {
		t.Error("only a share is used up, and the limiter says that there is no room")
	}
	d.give(other)
	d.give(next)
	if _, w := d.ask(2, 50); !granted(w) {
		t.Error("a partition that holds nothing waits although there is room")
	}
	if d.Mapped() != 100 {
		t.Errorf("%d bytes in use", d.Mapped())
	}
}

// TestALargeMessageIsNotPassed: small ones do not take the room for which a large one waits.
func TestALargeMessageIsNotPassed(t *testing.T) {
	d := newDesk(100)
	first, _ := d.ask(0, 40)
	_, large := d.ask(1, 90)
	_, small := d.ask(2, 10)
	if granted(large) || granted(small) {
		t.Error("granted without room, or out of turn")
	}
	if !d.Full() {
		t.Error("somebody waits for room, and the limiter does not say so")
	}
	d.give(first)
	if !granted(large) || !granted(small) {
		t.Error("not granted although there is room")
	}
	if huge, w := d.ask(3, 500); granted(w) {
		t.Errorf("%d bytes beside others in a limit of 100", huge.bytes)
	}
}

// TestPartitionsAreForgotten: what has nothing in flight and waits for nothing takes no memory.
func TestPartitionsAreForgotten(t *testing.T) {
	d := newDesk(100)
	var in []held
	for i := range int32(10) {
		m, _ := d.ask(i, 10)
		in = append(in, m)
	}
	_, w := d.ask(20, 10)
	d.Cancel(w)
	if d.Partitions() != 10 || d.Full() {
		t.Errorf("%d partitions, full: %v", d.Partitions(), d.Full())
	}
	for _, m := range in {
		d.give(m)
	}
	if d.Mapped() != 0 || d.Partitions() != 0 {
		t.Errorf("%d bytes and %d partitions left", d.Mapped(), d.Partitions())
	}
}

// TestALonePartitionMayHaveItAll: shares are for those who have company.
func TestALonePartitionMayHaveItAll(t *testing.T) {
	d := newDesk(100)
	for range 10 {
		if _, w := d.ask(0, 10); !granted(w) {
			t.Fatalf("no room beside %d bytes", d.Mapped())
		}
	}
}

// TestCancelReleasesWhatWasGranted: the bytes are reserved just when nobody wants them any more.
func TestCancelReleasesWhatWasGranted(t *testing.T) {
	d := newDesk(100)
	first, _ := d.ask(0, 100)
	_, late := d.ask(1, 10)
	d.give(first)
	if !granted(late) {
		t.Fatal("not granted although there is room")
	}
	d.Cancel(late)
	if d.Mapped() != 0 || d.Partitions() != 0 {
		t.Errorf("%d bytes and %d partitions left", d.Mapped(), d.Partitions())
	}
}
