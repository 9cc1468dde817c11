package memlogtest

import (
	"context"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// Log is the broker with its one consumer group. Its partitions are set before Consume and not changed afterwards.
type Log struct {
	// DrainLimit is how long a generation that ends may take to finish what is in flight.
	DrainLimit time.Duration

	partitions [][]event.Message
	rebalance  chan struct{}

	mu          sync.Mutex
	committable []int          // everything below is acked
	acked       []map[int]bool // those acked above it
	generation  *lease.Lease
}

// New makes a log of the messages.
func New(partitions [][]event.Message) *Log {
	l := &Log{DrainLimit: 15 * time.Second, partitions: partitions, rebalance: make(chan struct{})}
	l.committable = make([]int, len(partitions))
	l.acked = make([]map[int]bool, len(partitions))
	for i := range l.acked {
		l.acked[i] = map[int]bool{}
	}
	return l
}

// Consume hands the messages over, from the committable offset on, in as many generations as there are rebalances.
func (l *Log) Consume(ctx context.Context, handle event.Handler) error {
	for ctx.Err() == nil {
		l.generate(ctx, handle)
	}
	return nil
}

func (l *Log) generate(ctx context.Context, handle event.Handler) {
	g := lease.New(func() time.Time { return time.Time{} })
	l.mu.Lock()
	l.generation = g
	l.mu.Unlock()
	reading, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	for i := range l.partitions {
		readers.Go(func() { l.read(reading, g, i, handle) })
	}
	select {
	case <-ctx.Done():
	case <-l.rebalance:
	}
	stop()
	g.End(l.DrainLimit)
	readers.Wait()
	l.mu.Lock()
	l.generation = nil // a done that comes later counts no more
	l.mu.Unlock()
}

func (l *Log) read(ctx context.Context, g *lease.Lease, partition int, handle event.Handler) {
	l.mu.Lock()
	from := l.committable[partition]
	clear(l.acked[partition])
	l.mu.Unlock()
	for at := from; at < len(l.partitions[partition]) && ctx.Err() == nil; at++ {
		m := l.partitions[partition][at]
		if handle(g, &m, func() { l.done(g, partition, at) }) != nil {
			return
		}
	}
	<-ctx.Done()
}

func (l *Log) done(g *lease.Lease, partition, offset int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.generation != g {
		return
	}
	l.acked[partition][offset] = true
	for l.acked[partition][l.committable[partition]] {
		delete(l.acked[partition], l.committable[partition])
		l.committable[partition]++
	}
}

// Rebalance ends the generation, or returns false when stop comes first.
func (l *Log) Rebalance(stop <-chan struct{}) bool {
	select {
	case l.rebalance <- struct{}{}:
		return true
	case <-stop:
		return false
	}
}

// Settled reports whether every message is done.
func (l *Log) Settled() bool {
	for i, f := range l.Floors() {
		if f < len(l.partitions[i]) {
			return false
		}
	}
	return true
}

// Floors are the committed offsets by partition.
func (l *Log) Floors() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int(nil), l.committable...)
}

// Partitions are the messages, for a test that makes another log of them.
func (l *Log) Partitions() [][]event.Message { return l.partitions }

// Ready makes the log a source that is always ready.
func (l *Log) Ready() error { return nil }
