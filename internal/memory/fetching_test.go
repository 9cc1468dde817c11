package memory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/memory"
)

func TestFetchingKeepsAQuarterForThoseThatHoldNothing(t *testing.T) {
	freed := 0
	w := memory.New(1000).Fetching(1000, func() { freed++ })
	greedy, modest := &memory.Share{Fetching: w}, &memory.Share{Fetching: w}
	taken := int64(0)
	for w.Allows(greedy, 50) {
		w.Charge(greedy, 50, false)
		taken += 50
	}
	if taken != 750 {
		t.Fatalf("one partition got %d of 1000", taken)
	}
	if !w.Allows(modest, 200) {
		t.Fatal("nothing was left for the other one")
	}
	if n := w.Reserve(500, 200); n != 250 {
		t.Fatalf("%d bytes were reserved of 250", n)
	}
	if n := w.Reserve(1, 1); n != 0 {
		t.Fatalf("%d bytes were given of none", n)
	}
	w.Release(greedy, taken, false)
	w.Release(nil, 250, false)
	if freed != 1 || w.Reserved() != 0 { // once for the refusals before
		t.Fatalf("told %d times, %d in use", freed, w.Reserved())
	}
	if w.Reserve(5000, 5000) != 5000 {
		t.Fatal("a fetch larger than the limit is never possible")
	}
}

// Partitions of a topic have filled the limit when it becomes known that something of each is held. They get no more,
// nor do others of their topic, and what they have beyond half of the limit leaves room to other topics.
func TestFetchingLeavesRoomBesideWhatIsHeld(t *testing.T) {
	l := memory.New(10_000)
	w := l.Fetching(1000, nil)
	var accounts []*memory.Account
	for i := range int32(10) {
		of := memory.Partition{Topic: "held", ID: i}
		w.Charge(w.Share(of), 100, false)
		a, _ := l.Reserve(of, 1)
		accounts = append(accounts, a)
	}
	flows := w.Share(memory.Partition{Topic: "flows"})
	if w.Reserve(100, 100) != 0 {
		t.Fatal("a full limit gave more")
	}
	for _, a := range accounts {
		l.Hold(a)
	}
	if w.Reserve(500, 100) != 500 || !w.Allows(flows, 100) {
		t.Fatal("what is held leaves no room to others")
	}
	w.Release(nil, 250, false)
	late := w.Share(memory.Partition{Topic: "held", ID: 10})
	again := w.Share(memory.Partition{Topic: "held", ID: 0})
	if w.Allows(late, 100) || w.Allows(again, 1) {
		t.Error("the topic of which much is held takes the room of others")
	}
	for i, a := range accounts {
		l.Release(a, 1)
		if room := w.Reserve(500, 100); i == len(accounts)-1 && room != 0 {
			t.Errorf("%d bytes beyond the limit are given when nothing is held any more", room)
		} else {
			w.Release(nil, room, false)
		}
	}
}

func TestFetchingHoldsBackUnpacking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New(1000).Fetching(1000, nil)
		s := &memory.Share{Fetching: w}
		w.Charge(s, 2000, false) // full of packed batches
		if err := w.BeginUnpacking(t.Context()); err != nil {
			t.Fatal("not even one may unpack:", err)
		}
		w.Charge(s, 500, true)
		w.EndUnpacking()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.BeginUnpacking(ctx); err == nil {
			t.Fatal("a second one was let through a full limit")
		}
		go func() {
			time.Sleep(time.Second)
			w.Release(s, 500, true)
		}()
		if err := w.BeginUnpacking(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.EndUnpacking()
		w.Release(s, 2000, false)
		for range memory.Unpackers {
			if err := w.BeginUnpacking(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.BeginUnpacking(ctx); err == nil {
			t.Fatal("more unpack at a time than may")
		}
	})
}

// TestWhatIsFetchedAndWhatIsMappedShareTheLimit, and neither can lock the other out.
func TestWhatIsFetchedAndWhatIsMappedShareTheLimit(t *testing.T) {
	d := newDesk(1000)
	freed := 0
	f := d.Fetching(500, func() { freed++ })
	s := &memory.Share{Fetching: f}
	if n := f.Reserve(2000, 100); n != 2000 {
		t.Fatalf("nothing is fetched, and a large answer gets %d bytes", n)
	}
	f.Release(nil, 2000, false)
	f.Charge(s, 500, false)
	first, w := d.ask(0, 875)
	if !granted(w) {
		t.Fatal("no room for what is mapped beside what is fetched")
	}
	_, w = d.ask(0, 1)
	if granted(w) || f.Reserve(10, 10) != 0 {
		t.Fatal("there is room beyond the limit")
	}
	f.Release(s, 100, false)
	if !granted(w) || freed != 1 {
		t.Fatalf("what is fetched no more gives no room; told %d times", freed)
	}
	f.Charge(s, 5000, false) // more than was asked for
	_, w = d.ask(0, 1)
	if granted(w) {
		t.Fatal("there is room although too much is fetched")
	}
	d.Cancel(w)
	d.Release(first.Account, 876)
	next, w := d.ask(0, 1000)
	if !granted(w) {
		t.Fatal("nothing is mapped, and a message that is fetched may not be")
	}
	d.give(next)
	f.Close()
	f.Release(s, 5400, false)
	if f.Reserved() != 0 || d.Mapped() != 0 || d.Partitions() != 0 {
		t.Errorf("%d fetched, %d mapped, %d partitions left", f.Reserved(), d.Mapped(), d.Partitions())
	}
	if _, w := d.ask(1, 1000); !granted(w) {
		t.Error("what was fetched counts after its source has ended")
	}
	if _, w := d.ask(1, 1); granted(w) {
		t.Error("the limit is as high as while somebody fetched")
	}
}

// TestALargeFetchLimitLeavesRoomForWhatIsMapped: half of what the limiter was made with, at least.
func TestALargeFetchLimitLeavesRoomForWhatIsMapped(t *testing.T) {
	d := newDesk(1000)
	f := d.Fetching(100_000, nil)
	f.Charge(&memory.Share{Fetching: f}, 1, false)
	for f.Reserve(1000, 1) > 0 {
	}
	for range 5 {
		if _, w := d.ask(0, 100); !granted(w) {
			t.Fatalf("%d bytes are mapped beside %d fetched, and there is no room", d.Mapped(), f.Reserved())
		}
	}
}
