package kafka

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
)

// An answer that has no room for all partitions favours none: each gets on while the others still have much to read,
// also where its batches are far larger than what is asked for.
func TestKafkaPartitionsTakeTurns(t *testing.T) {
	t.Parallel()
	const partitions, rounds, each = 24, 5, 8
	b := startKafka(t, kfake.SeedTopics(partitions, testTopic))
	for round := range rounds {
		for p := range int32(partitions) {
			var values []string // the producer makes one batch of them
			size := 1 << 10
			if p%3 == 0 {
				size = 40 << 10
			}
			for i := range each {
				values = append(values, fmt.Sprintf("%d %d %s", p, round*each+i, strings.Repeat("x", size)))
			}
			b.publishTo(p, values...)
		}
	}
	c := b.config()
	c.FetchBytes = 1 << 20
	var mu sync.Mutex
	got := map[int32]int{} // messages of a partition
	behind := 0            // partitions of which less than half has come when another has come to its end
	k := b.openWith(c)
	r := consumertest.Read(t, k, func(_ event.Lease, value string, done func()) error {
		mu.Lock()
		defer mu.Unlock()
		var p int32
		fmt.Sscan(value, &p)
		if want := fmt.Sprintf("%d %d ", p, got[p]); !strings.HasPrefix(value, want) {
			t.Errorf("partition %d: %.10s has come, want %s", p, value, want)
		}
		if got[p]++; got[p] == rounds*each && behind == 0 {
			for other := range int32(partitions) {
				if got[other] < rounds*each/2 {
					behind++
				}
			}
		}
		done()
		return nil
	})
	consumertest.Eventually(t, "every partition is read to its end",
		func() bool { return len(r.Values()) == partitions*rounds*each })
	consumertest.Eventually(t, "nothing is fetched ahead", func() bool {
		g := k.generation.Load()
		return g.memory.Reserved() <= g.answerBytes()
	})
	r.Stop()
	if behind > partitions/4 { // on a busy machine some have to wait for their turn
		t.Errorf("%d partitions were not half read when the first one was at its end", behind)
	}
}

// Partitions in which nothing happens have no goroutine.
func TestKafkaIdlePartitionsCostNoGoroutine(t *testing.T) { // not parallel: it counts them
	before := runtime.NumGoroutine()
	const partitions = 300
	b := startKafka(t, kfake.SeedTopics(partitions, testTopic))
	b.publishTo(7, "a")
	r := consumertest.Read(t, b.openWith(b.config()), consumertest.AckAll)
	r.Want("a")
	consumertest.Eventually(t, "the worker is gone", func() bool {
		return runtime.NumGoroutine() < before+partitions/2
	})
	b.publishTo(7, "b")
	r.Want("a", "b")
	consumertest.Eventually(t, "the worker is gone again", func() bool {
		return runtime.NumGoroutine()-before <= partitions/2
	})
	r.Stop()
}

// The leader of a partition moves while a chunk of it waits for the worker: the fetcher that reads from the new one
// goes on when it has been handed over.
func TestKafkaLeaderMovesWhileAChunkWaits(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.NumBrokers(2), kfake.SeedTopics(2, testTopic))
	value := strings.Repeat("x", 100<<10)
	for range 10 {
		b.publishTo(0, value)
	}
	release := make(chan struct{})
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAfter(release))
	var p *partition
	of := func(get func() bool) func() bool {
		return func() bool {
			g := k.generation.Load()
			if g == nil {
				return false
			}
			p = g.partitions[0]
			p.mu.Lock()
			defer p.mu.Unlock()
			return get()
		}
	}
	consumertest.Eventually(t, "a chunk waits", of(func() bool { return p.queued != nil }))
	before := p.fetcher
	leader := b.cluster.LeaderFor(testTopic, 0)
	if err := b.cluster.MoveTopicPartition(testTopic, 0, 1-leader); err != nil {
		t.Fatal(err)
	}
	k.generation.Load().routeAgain()
	consumertest.Eventually(t, "the partition has another fetcher", of(func() bool { return p.fetcher != before }))
	time.Sleep(50 * time.Millisecond) // in which that fetcher finds nothing to do
	close(release)
	consumertest.Eventually(t, "everything is read", func() bool { return len(r.Values()) == 10 })
	r.Stop()
}
