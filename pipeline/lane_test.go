package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// TestAFullRunDoesNotLinger: the events of one person fill a request, whether they came before or after a call that
// holds them up.
func TestAFullRunDoesNotLinger(t *testing.T) {
	c := quiet()
	c.Linger, c.BatchItems = time.Minute, 50
	onBench(t, c, nil, func(b *bench) {
		l := newTestLease()
		for i := range 50 {
			b.must(l, 0, fmt.Sprintf("p %d track", i))
		}
		b.pass(time.Second)
		if got := b.settled(); got != 50 {
			t.Errorf("%d of a full run are done at once", got)
		}
		l.End(0)
	})
}

// TestAFewWaitForCompany: fewer calls than fill a request wait as long as they may, and no longer.
func TestAFewWaitForCompany(t *testing.T) {
	c := quiet()
	c.Linger = time.Minute
	onBench(t, c, nil, func(b *bench) {
		l := newTestLease()
		b.must(l, 0, "p 1 track")
		b.pass(59 * time.Second)
		b.want()
		b.must(l, 0, "q 1 track")
		b.must(l, 0, "s 1 single") // which waits for nobody
		b.pass(0)
		b.want("s 1 single")
		b.pass(2 * time.Second)
		b.want("s 1 single", "p 1 track", "q 1 track")
		l.End(0)
	})
}

// TestRequestsKeepToTheirLimits: bytes, one lease, one single call.
func TestRequestsKeepToTheirLimits(t *testing.T) {
	c := quiet()
	c.BatchBytes = 300
	var requests [][]event.Call
	var leases []context.Context
	note := func(ctx context.Context, calls []event.Call) []event.Outcome {
		kept := slices.Clone(calls)
		for i := range kept {
			kept[i].Body = bytes.Clone(kept[i].Body) // what is settled is used again
		}
		requests, leases = append(requests, kept), append(leases, ctx)
		return taker{}.Send(ctx, calls)
	}
	c.Senders = 1
	onBench(t, c, note, func(b *bench) {
		one, two := newTestLease(), newTestLease()
		for i := range 400 {
			l := one
			if i/3%2 == 0 {
				l = two
			}
			kind := []string{"track", "track", "identify", "single"}[i%4]
			b.must(l, int32(i/3%2), fmt.Sprintf("canary%d %d %s", i%21, i, kind))
		}
		b.pass(time.Minute)
		if got := b.settled(); got != 400 {
			t.Errorf("%d done", got)
		}
		for i, calls := range requests {
			size := testLimits.Envelope
			for _, call := range calls {
				size += call.Size()
				if call.Single != nil && len(calls) > 1 {
					t.Errorf("request %d carries a single call with others", i)
				}
				var seq int
				fmt.Sscanf(string(call.Body), "canary%d %d", new(int), &seq)
				if (leases[i] == two) != (seq/3%2 == 0) {
					t.Errorf("request %d carries a call of another lease", i)
				}
			}
			if size > c.BatchBytes {
				t.Errorf("request %d has %d bytes", i, size)
			}
		}
		one.End(0)
		two.End(0)
	})
}

// TestSuspectsKeepToThemselves: nobody new rides in the run of a call that is under suspicion.
func TestSuspectsKeepToThemselves(t *testing.T) {
	c := quiet()
	c.Senders = 1
	var requests []int
	refuse := func(ctx context.Context, calls []event.Call) []event.Outcome {
		requests = append(requests, len(calls))
		time.Sleep(time.Second)
		out := taker{}.Send(ctx, calls)
		if len(calls) > 2 {
			for i := range out {
				out[i] = event.Outcome{Suspect: true, AtFault: true,
					Failure: &event.Failure{Stage: event.StageDelivery, Status: 400}}
			}
		}
		return out
	}
	onBench(t, c, refuse, func(b *bench) {
		l := newTestLease()
		for i := range 4 {
			b.must(l, 0, fmt.Sprintf("p %d track", i))
		}
		b.pass(500 * time.Millisecond)
		b.must(l, 0, "p 4 track")
		b.pass(time.Minute)
		if fmt.Sprint(requests) != "[4 2 2 1]" {
			t.Errorf("requests of %v calls, want 4, its halves, and then what came later", requests)
		}
		l.End(0)
	})
}
