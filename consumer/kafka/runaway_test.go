package kafka

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// A handler does not return, whatever becomes of its lease. Another replica that comes is given its partitions after
// the drain limit all the same, and a stop takes no longer than that. What the handler says in the end is not committed
// by the one that had the partition.
func TestKafkaHandlerThatDoesNotReturn(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	b := startKafka(t, kfake.SeedTopics(2, testTopic))
	b.session = 3 * time.Second
	b.publishTo(0, "0", "stuck", "2")
	b.publishTo(1, "other")
	release := make(chan struct{})
	var stuck atomic.Bool
	var left atomic.Int32
	first := b.openWith(b.config())
	r := consumertest.Read(t, first, func(_ event.Lease, value string, done func()) error {
		switch {
		case value == "stuck" && stuck.CompareAndSwap(false, true):
			left.Add(1)
			defer left.Add(-1)
			<-release
			done()
		case value != "stuck" && value != "2":
			done()
		}
		return nil
	})
	consumertest.Eventually(t, "the handler is stuck", stuck.Load)
	consumertest.Eventually(t, "what is done is committed", func() bool {
		infos := b.offsets(b.config())
		return infos[0].Committed == 1 && infos[1].Committed == 1
	})
	second := consumertest.Read(t, b.Open(), func(event.Lease, string, func()) error { return nil })
	began := time.Now()
	consumertest.Eventually(t, "both have a partition", func() bool {
		return counterValue(first) >= 2 && first.Ready() == nil
	})
	if took, limit := time.Since(began), b.config().DrainLimit; took < limit/2 {
		t.Errorf("the first was given up after %v: it was not stuck", took)
	}
	r.Cancel()
	if err := r.Wait(); err != nil {
		t.Errorf("consume ended with %v", err)
	}
	if left.Load() != 1 {
		t.Error("the handler has returned")
	}
	consumertest.Eventually(t, "the second reads everything that is not committed", func() bool {
		got := second.Values()
		return slices.Contains(got, "stuck") && slices.Contains(got, "2")
	})
	close(release)
	consumertest.Eventually(t, "the handler returns", func() bool { return left.Load() == 0 })
	second.Stop()
	if o := b.offsets(b.config())[0]; o.Committed != 1 || o.Done != 0 {
		t.Errorf("offset %d and %d done are committed", o.Committed, o.Done)
	}
}
