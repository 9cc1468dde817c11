package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestLettersThatCannotBeStored: the writer backs off although letters keep coming, and a lease that ends is not held up.
func TestLettersThatCannotBeStored(t *testing.T) {
	onBench(t, quiet(), nil, func(b *bench) {
		b.letters.fail = func(time.Time) bool { return true }
		l := newTestLease()
		for i := range 600 {
			b.must(l, 0, fmt.Sprintf("p %d unmappable", i))
			b.pass(100 * time.Millisecond)
		}
		b.letters.mu.Lock()
		if n := b.letters.failed; n < 5 || n > 30 {
			t.Errorf("%d attempts in a minute", n)
		}
		b.letters.mu.Unlock()
		began := time.Now()
		if !l.End(15*time.Second) || time.Since(began) > time.Second {
			t.Errorf("the lease was held up for %s", time.Since(began))
		}
	})
}

// TestMessagesAreCountedOnce by what became of them.
func TestMessagesAreCountedOnce(t *testing.T) {
	onBench(t, quiet(), nil, func(b *bench) {
		l := newTestLease()
		for i, kind := range []string{"track", "several", "skip", "unmappable", "track"} {
			b.must(l, 0, fmt.Sprintf("p %d %s", i, kind))
		}
		b.pass(time.Minute)
		m := b.p.metrics
		for name, c := range map[string][2]float64{
			"delivered":     {testutil.ToFloat64(m.delivered), 2},
			"dead_lettered": {testutil.ToFloat64(m.deadLettered), 2},
			"skipped":       {testutil.ToFloat64(m.skipped), 1},
		} {
			if c[0] != c[1] {
				t.Errorf("%s: %g, want %g", name, c[0], c[1])
			}
		}
		l.End(0)
	})
}
