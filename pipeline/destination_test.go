package pipeline

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/checkertest"
)

// What is meant for a destination that is down waits, with what stands behind it in its lanes. Everything else goes.
func TestADestinationThatIsDownHoldsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(21, 2, 200, 2000, "track", "identify", "track", "identify", "app")
		r.dest.without = 2
		held := map[string]bool{}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			time.Sleep(30 * time.Minute)
			r.dest.mu.Lock()
			defer r.dest.mu.Unlock()
			got := map[string]bool{}
			for _, receipt := range r.dest.receipts {
				got[receipt.Body] = true
			}
			for _, partition := range r.messages {
				for _, m := range partition {
					person, kind := fields(m.Value)
					held[person] = held[person] || kind == "app"
					if held[person] == got[string(m.Value)] {
						t.Errorf("%s: taken %v while what its person waits for is down: %v", m.Value,
							got[string(m.Value)], held[person])
					}
				}
			}
			r.dest.without = 0
		}()
		r.run(t, 2*time.Hour, nil)
		<-ended
		if len(held) == 0 {
			t.Error("nothing was held")
		}
		r.check(t, checkertest.Limits{})
	})
}

// Calls of one path travel together, those of another in a request of their own.
func TestCallsOfOnePathShareARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(22, 1, 1000, 1000, "segment")
		r.run(t, time.Hour, nil)
		r.check(t, checkertest.Limits{})
		if n := r.dest.requests; n > 60 {
			t.Errorf("%d requests for 1000 calls of 10 paths", n)
		}
	})
}
