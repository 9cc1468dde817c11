package consumer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTrackerCommitsOnlyTheUnbrokenPrefix(t *testing.T) {
	l := NewTracker(10, 100)
	tickets := map[int64]uint64{}
	for _, offset := range []int64{10, 11, 12, 15} { // 13 and 14 were compacted away
		tickets[offset] = mustAdd(t, l, offset)
	}
	l.Skip(18) // 16 and 17 are a transaction's marker and an aborted record
	steps := []struct{ ack, committable int64 }{{11, 10}, {15, 10}, {10, 12}, {12, 18}}
	for _, s := range steps {
		if !l.Ack(tickets[s.ack]) {
			t.Fatalf("acking %d was no news", s.ack)
		}
		if got := l.Committable(); got != s.committable {
			t.Fatalf("after acking %d the committable is %d, want %d", s.ack, got, s.committable)
		}
		if l.Ack(tickets[s.ack]) {
			t.Fatalf("acking %d twice counted twice", s.ack)
		}
	}
}

func TestTrackerIgnoresWhatIsAckedAfterTheEnd(t *testing.T) {
	l := NewTracker(0, 10)
	ticket := mustAdd(t, l, 0)
	l.Close()
	if l.Ack(ticket) || l.Committable() != 0 {
		t.Fatal("a closed tracker moved")
	}
	if _, err := l.Track(context.Background(), 1, time.Now()); !errors.Is(err, ErrTrackerClosed) {
		t.Fatalf("adding to a closed tracker: %v", err)
	}
}

func TestTrackerWaitsAtItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewTracker(0, 3)
		first := mustAdd(t, l, 0)
		second := mustAdd(t, l, 1)
		mustAdd(t, l, 2)
		var added atomic.Bool
		go func() {
			mustAdd(t, l, 3)
			added.Store(true)
		}()
		synctest.Wait()
		l.Ack(second)
		synctest.Wait()
		if added.Load() {
			t.Fatal("a message out of turn made room")
		}
		l.Ack(first)
		synctest.Wait()
		if !added.Load() {
			t.Fatal("the oldest being done made no room")
		}
		mustAdd(t, l, 4)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Track(ctx, 5, time.Now()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("add past the limit: %v", err)
		}
	})
}

func TestTrackerTellsTheOldest(t *testing.T) {
	l := NewTracker(0, 10)
	if n, at := l.InFlight(); n != 0 || !at.IsZero() {
		t.Fatalf("an empty tracker holds %d since %v", n, at)
	}
	base := time.Unix(1000, 0)
	first, _ := l.Track(context.Background(), 0, base)
	_, _ = l.Track(context.Background(), 1, base.Add(time.Minute))
	if n, at := l.InFlight(); n != 2 || !at.Equal(base) {
		t.Fatalf("%d since %v", n, at)
	}
	l.Ack(first)
	if n, at := l.InFlight(); n != 1 || !at.Equal(base.Add(time.Minute)) {
		t.Fatalf("%d since %v", n, at)
	}
}

// Whatever the order of acking, the committable offset is what a slow and obvious model says.
func TestTrackerAgainstAModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := NewTracker(0, 200)
		var offsets []int64
		var tickets []uint64
		done := map[int64]bool{}
		next := int64(0)
		for range 2000 {
			pending := 0
			for _, o := range offsets {
				if !done[o] {
					break
				}
				pending++
			}
			if len(offsets)-pending < 200 && r.IntN(2) == 0 {
				offset := next + r.Int64N(3)
				offsets, tickets = append(offsets, offset), append(tickets, mustAdd(t, l, offset))
				next = offset + 1
			} else if len(offsets) > 0 {
				i := max(0, len(offsets)-1-r.IntN(220))
				if news := l.Ack(tickets[i]); news == done[offsets[i]] {
					t.Fatalf("seed %d: acking %d again is news", seed, offsets[i])
				}
				done[offsets[i]] = true
			}
			want := next
			for _, o := range offsets {
				if !done[o] {
					want = o
					break
				}
			}
			if got := l.Committable(); got != want {
				t.Fatalf("seed %d: committable %d, want %d", seed, got, want)
			}
		}
	}
}

func BenchmarkTracker(b *testing.B) {
	l := NewTracker(0, 10_000)
	now := time.Now()
	b.ReportAllocs()
	for i := range b.N {
		ticket, err := l.Track(context.Background(), int64(i), now)
		if err != nil {
			b.Fatal(err)
		}
		if i%2 == 1 { // the second of each pair first
			l.Ack(ticket)
			l.Ack(ticket - 1)
		}
	}
}

func mustAdd(t *testing.T, l *Tracker, offset int64) uint64 {
	t.Helper()
	ticket, err := l.Track(context.Background(), offset, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// A tracker that has come to rest keeps no large ring, and what is done late does nothing to the one that has it next.
func TestTrackerGivesItsRingBack(t *testing.T) {
	one, two := NewTracker(0, 10_000), NewTracker(0, 10_000)
	for round := range 3 {
		from := int64(round * 1000)
		var tickets []uint64
		for i := range int64(1000) {
			tickets = append(tickets, mustAdd(t, one, from+i))
		}
		for _, ticket := range tickets {
			if !one.Ack(ticket) {
				t.Fatalf("ticket %d was acked before", ticket)
			}
		}
		if len(one.ring) != smallestRing || one.Committable() != from+1000 {
			t.Errorf("a ring of %d entries at rest, committable %d", len(one.ring), one.Committable())
		}
		for i := range int64(1000) {
			mustAdd(t, two, from+i) // in the ring that the other has given back, as far as the pool keeps it
		}
		for _, ticket := range tickets {
			if one.Ack(ticket) {
				t.Fatal("a message was done twice")
			}
		}
		if n, _ := two.InFlight(); n != 1000*(round+1) || two.Committable() != 0 {
			t.Fatalf("%d messages in flight, committable %d", n, two.Committable())
		}
	}
}
