package pipeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// TestManyLeasesFillTheirRequests: calls of many leases that come mixed leave in full requests all the same, and
// one that is alone under its lease does not wait for ever behind those of full ones.
func TestManyLeasesFillTheirRequests(t *testing.T) {
	c := quiet()
	c.BatchItems, c.Linger, c.Senders = 50, time.Second, 1
	var sizes []int
	var lone time.Duration
	began := time.Time{}
	note := func(ctx context.Context, calls []event.Call) []event.Outcome {
		time.Sleep(500 * time.Millisecond)
		if string(calls[0].Body) == "lone 1 track" {
			lone = time.Since(began)
		} else {
			sizes = append(sizes, len(calls))
		}
		return taker{}.Send(ctx, calls)
	}
	onBench(t, c, note, func(b *bench) {
		began = time.Now()
		var leases []*lease.Lease
		for range 16 {
			leases = append(leases, newTestLease())
		}
		other := newTestLease()
		b.must(other, 20, "lone 1 track")
		go func() {
			for i := range 16 * 300 {
				b.must(leases[i%16], int32(i%16), fmt.Sprintf("canary%d %d track", i, i))
			}
		}()
		b.pass(time.Minute)
		if got := b.settled(); got != 4801 {
			t.Errorf("%d done", got)
		}
		if most := 4800 / 50 * 5 / 4; len(sizes) > most { // the last ones of each lease are not full
			t.Errorf("%d requests, want at most %d: %v", len(sizes), most, sizes)
		}
		if lone < c.Linger || lone > 25*time.Second { // of 48
			t.Errorf("the call that was alone went after %s", lone)
		}
		for _, l := range append(leases, other) {
			l.End(0)
		}
	})
}
