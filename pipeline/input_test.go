package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// TestAFullRequestLeavesAtOnce however many partitions its calls come from.
func TestAFullRequestLeavesAtOnce(t *testing.T) {
	for partitions := range 7 {
		c := quiet()
		c.Linger, c.BatchItems = time.Minute, 50
		onBench(t, c, nil, func(b *bench) {
			l := newTestLease()
			for n := 50; n <= 200; n += 50 {
				for i := range 50 {
					b.must(l, int32(rand.IntN(partitions+1)), fmt.Sprintf("canary%d %d track", i, n))
				}
				b.pass(time.Second)
				if got := b.settled(); got != n {
					t.Errorf("%d partitions: %d of %d are done at once", partitions+1, got, n)
				}
			}
			l.End(0)
		})
	}
}

// TestNobodyWaitsLongerThanTheLinger: calls of several leases and partitions trickle in.
func TestNobodyWaitsLongerThanTheLinger(t *testing.T) {
	c := quiet()
	c.Linger = 50 * time.Millisecond
	came := map[string]time.Time{}
	note := func(ctx context.Context, calls []event.Call) []event.Outcome {
		for _, call := range calls {
			if waited := time.Since(came[string(call.Body)]); waited > c.Linger+time.Millisecond {
				t.Errorf("%s waited for %s", call.Body, waited)
			}
		}
		return taker{}.Send(ctx, calls)
	}
	onBench(t, c, note, func(b *bench) {
		one, two := newTestLease(), newTestLease()
		const n = 2000
		for i := range n {
			body := fmt.Sprintf("canary%d %d track", i, i)
			b.mu.Lock()
			came[body] = time.Now()
			b.mu.Unlock()
			partition, of := int32(rand.IntN(4)), one
			if partition == 3 {
				of = two
			}
			b.must(of, partition, body)
			if rand.IntN(3) > 0 {
				time.Sleep(rand.N(4 * time.Millisecond))
			}
			if rand.IntN(100) == 0 {
				b.pass(time.Second)
			}
		}
		b.pass(time.Second)
		if got := b.settled(); got != n {
			t.Errorf("%d of %d are done", got, n)
		}
		if n := b.p.Stats().Reserved; n != 0 {
			t.Errorf("%d bytes stay reserved", n)
		}
		one.End(0)
		two.End(0)
	})
}

// TestAPersonsOrderAcrossPartitions: what is handed over one after the other leaves in that order, whichever
// partitions it comes from.
func TestAPersonsOrderAcrossPartitions(t *testing.T) {
	c := quiet()
	c.Linger, c.BatchItems, c.Senders = 50*time.Millisecond, 40, 3
	var mu sync.Mutex
	last := map[string]int{}
	note := func(ctx context.Context, calls []event.Call) []event.Outcome {
		for _, call := range calls {
			var person string
			var n int
			fmt.Sscanf(string(call.Body), "%s %d", &person, &n)
			mu.Lock()
			if n <= last[person] {
				t.Errorf("%s: %d came after %d", person, n, last[person])
			}
			last[person] = n
			mu.Unlock()
		}
		return taker{}.Send(ctx, calls)
	}
	onBench(t, c, note, func(b *bench) {
		l := newTestLease()
		const n = 5000
		for i := range n {
			kind := "track"
			if rand.IntN(10) == 0 {
				kind = "identify"
			}
			b.must(l, int32(rand.IntN(5)), fmt.Sprintf("canary%d %d %s", rand.IntN(30), i+1, kind))
			if rand.IntN(50) == 0 {
				time.Sleep(rand.N(20 * time.Millisecond))
			}
		}
		b.pass(time.Minute)
		if got := b.settled(); got != n {
			t.Errorf("%d of %d are done", got, n)
		}
		l.End(0)
	})
}

// endsWhenAsked is a lease that ends, and is drained, just after somebody was told that it stands.
type endsWhenAsked struct {
	*lease.Lease
	armed bool
}

func (l *endsWhenAsked) Err() error {
	err := l.Lease.Err()
	if l.armed {
		l.armed = false
		l.End(time.Second)
	}
	return err
}

// TestNothingArrivesAfterTheDrain: a reader that has seen a lease stand is overtaken by its end.
func TestNothingArrivesAfterTheDrain(t *testing.T) {
	onBench(t, quiet(), holdBack(time.Hour, "p 1 identify"), func(b *bench) {
		l := &endsWhenAsked{Lease: newTestLease()}
		b.must(l, 0, "p 1 identify")
		b.pass(time.Second)
		l.armed = true
		if b.put(l, 0, "p 2 identify") == nil {
			t.Error("a message was taken after its lease's drain")
		}
		b.pass(time.Minute)
		b.want("p 1 identify")
		if n := b.p.Stats().Reserved; n != 0 || b.assignments() != 0 {
			t.Errorf("%d bytes and %d leases left", n, b.assignments())
		}
	})
}

// TestAHandleThatDoesNotReturn holds up neither the end of its lease nor that of the pipeline, and what it brings
// then is not taken.
func TestAHandleThatDoesNotReturn(t *testing.T) {
	onBench(t, quiet(), nil, func(b *bench) {
		late := make(chan error, 2)
		l := newTestLease()
		b.must(l, 0, "p 1 track")
		b.pass(time.Second)
		for i := range 2 {
			go func() { late <- b.put(l, int32(i), fmt.Sprintf("q %d endless", i)) }()
		}
		b.pass(time.Second)
		began := time.Now()
		if !l.End(15*time.Second) || time.Since(began) > time.Second {
			t.Errorf("the lease was held up for %s", time.Since(began))
		}
		b.must(newTestLease(), 0, "p 2 track") // the same partition, again
		b.pass(time.Minute)
		b.pass(2 * time.Hour)
		for range 2 {
			if err := <-late; err == nil {
				t.Error("a message was taken under a lease that had ended")
			}
		}
		if b.assignments() != 1 {
			t.Errorf("%d leases are held", b.assignments())
		}
		b.want("p 1 track", "p 2 track")
	})
}

// TestAStuckPartitionDoesNotStopOthers: the persons of one partition are stuck, its messages hold their share, and more
// is fetched ahead than may be. Another partition's messages go through.
func TestAStuckPartitionDoesNotStopOthers(t *testing.T) {
	c := quiet()
	c.Memory = 1 << 20
	stuck := func(ctx context.Context, calls []event.Call) []event.Outcome {
		out := taker{}.Send(ctx, calls)
		for i, call := range calls {
			if strings.HasPrefix(string(call.Body), "stuck") {
				out[i] = event.Outcome{NotBefore: time.Now().Add(time.Hour)}
			}
		}
		return out
	}
	onBench(t, c, stuck, func(b *bench) {
		l, fetching := newTestLease(), b.memory.Fetching(1<<20, nil)
		share := &memory.Share{Fetching: fetching}
		fetching.Charge(share, 1, false)
		b.must(l, 1, "stuck 0 track") // shares are for those who have company
		put := func(partition int32, person string, n int) {
			for i := range n {
				text := fmt.Sprintf("%s%d 1 track%s", person, i, strings.Repeat(" ", 10<<10))
				if b.put(l, partition, text) != nil {
					return
				}
			}
		}
		go put(0, "stuck", 1000)
		b.pass(time.Second)
		for fetching.Reserve(100<<10, 1) > 0 {
		}
		fetching.Charge(share, 1<<20, true) // what a batch unpacks to
		go put(1, "q", 300)
		b.pass(time.Minute)
		if got := b.settled(); got != 300 {
			t.Errorf("%d of 300 went through beside a stuck partition; %d bytes are mapped", got, b.p.Stats().Reserved)
		}
		l.End(0)
	})
}
