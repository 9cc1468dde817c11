package mapping_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// TestRecycledCallsAreMadeAnew: what is written into memory that has served before is what would be written into fresh
// memory, for events of all sizes in any order and from several goroutines at once.
func TestRecycledCallsAreMadeAnew(t *testing.T) {
	fresh, used := compileText(t, benchRules()), compileText(t, benchRules())
	var events []string
	for i := range 40 {
		events = append(events, benchEvent(250+97*i%3000),
			fmt.Sprintf(`{"type":"shop.other%d","data":{"user":{"id":"%d"},"a1":"%d"}}`, i%8, i+1, i*i))
	}
	var want [][]event.Call
	for _, e := range events {
		calls, _ := fresh.Map(new(message(e)))
		want = append(want, calls)
	}
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range 4 * len(events) {
				at := (i*(2*w+1) + w) % len(events)
				calls, failures := used.Map(new(message(events[at])))
				if len(failures) > 0 || !sameCalls(calls, want[at]) {
					t.Errorf("event %d: got %v, want %v", at, calls, want[at])
				}
				for j := range calls {
					clear(calls[j].Body)
				}
				used.Recycle(one(calls))
			}
		})
	}
	workers.Wait()
}

// sameCalls compares what is sent; their steps belong to their rules.
func sameCalls(a, b []event.Call) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].Step.Call != b[i].Step.Call || !bytes.Equal(a[i].Body, b[i].Body) ||
			fmt.Sprint(a[i].Lanes) != fmt.Sprint(b[i].Lanes) {
			return false
		}
	}
	return true
}

// TestThePoolIsBounded in number and in what each of its buffers holds.
func TestThePoolIsBounded(t *testing.T) {
	rules := compileText(t, benchRules())
	buffer := func(bytes int) []event.Call { return []event.Call{{Body: make([]byte, 1, bytes)}} }
	rules.Recycle(one(buffer(mapping.MaxPooledBody + 1)))
	rules.Recycle(one([]event.Call{{}, {}}))
	rules.Recycle(one(nil))
	if n := rules.Pooled(); n != 0 {
		t.Errorf("%d buffers that should not be kept", n)
	}
	for range mapping.MaxPooled + 10 {
		rules.Recycle(one(buffer(mapping.MaxPooledBody)))
	}
	if n := rules.Pooled(); n != mapping.MaxPooled {
		t.Errorf("%d buffers, want %d", n, mapping.MaxPooled)
	}
}
