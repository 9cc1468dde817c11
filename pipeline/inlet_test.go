package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// TestAFullRequestLeavesAtOnce however many partitions its calls come from, and whatever credit they came in on.
func TestAFullRequestLeavesAtOnce(t *testing.T) {
	for partitions := range 7 {
		c := quiet()
		c.Linger, c.BatchItems = time.Minute, 50
		onBench(t, c, nil, func(b *bench) {
			l := newTestLease()
			for n := 50; n <= 200; n += 50 {
				for i := range 50 {
					b.must(l, int32(rand.IntN(partitions+1)), fmt.Sprintf("p%d %d track", i, n))
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

// TestNobodyWaitsLongerThanTheLinger: calls of several leases and partitions trickle in, on credit and without.
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
			body := fmt.Sprintf("p%d %d track", i, i)
			b.mu.Lock()
			came[body] = time.Now()
			b.mu.Unlock()
			partition, lease := int32(rand.IntN(4)), one
			if partition == 3 {
				lease = two
			}
			b.must(lease, partition, body)
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
		in := &b.p.intake
		in.mu.Lock()
		if in.budget.used != 0 || len(in.open) > 0 {
			t.Errorf("%d bytes stay reserved, %d inlets have credit", in.budget.used, len(in.open))
		}
		in.mu.Unlock()
		one.End(0)
		two.End(0)
	})
}
