package status

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Counter knows about how many dead letters are open. Counting reads the whole log of them, so it is done at times; in
// between the letters that this bridge has stored are added, and what others store or resolve waits for the next count.
type Counter struct {
	log    deadletter.Reader
	stored func() map[event.Reason]int // letters that this bridge has stored since it began
	every  time.Duration
	failed func(error) // told of the first failure in a row

	mu      sync.Mutex
	counted time.Time // zero before the first count
	summary deadletter.Summary
	before  map[event.Reason]int // of stored, when the count began
}

const (
	countShare = 100 // counting takes at most a hundredth of the time
	countTries = 3   // while letters are being stored
)

// NewCounter counts the letters of a log once Run is called. Stored tells how many letters this bridge has stored by
// then, by reason. Failed is told of the first failure in a row.
func NewCounter(
	log deadletter.Reader, every time.Duration, stored func() map[event.Reason]int, failed func(error),
) *Counter {
	return &Counter{log: log, stored: stored, every: every, failed: failed}
}

// Run counts at once and then at intervals until ctx ends. Where a count takes long the next one waits a hundred times
// as long.
func (c *Counter) Run(ctx context.Context) {
	failing := false
	for {
		began := time.Now()
		err := c.count(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			c.failed(err)
		}
		failing = err != nil
		timer := time.NewTimer(max(c.every, countShare*time.Since(began)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// count counts once, and a few times more where letters were stored meanwhile, since those may have been read or not.
// A letter that is being stored when it ends, and one of a log that gets some all the time, may count twice until the
// next count.
func (c *Counter) count(ctx context.Context) error {
	for left := countTries; ; left-- {
		before := c.stored()
		s, err := deadletter.Stats(ctx, c.log)
		if err != nil {
			return err
		}
		if left > 1 && !maps.Equal(before, c.stored()) {
			continue
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.counted, c.summary, c.before = time.Now(), s, before
		return nil
	}
}

// open is how many letters are open, by reason; nil before the first count.
func (c *Counter) open() map[event.Reason]int {
	stored := c.stored()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counted.IsZero() {
		return nil
	}
	open := maps.Clone(c.summary.ByReason)
	for reason, n := range stored {
		if n -= c.before[reason]; n > 0 && reason != event.ReasonErased {
			open[reason] += n
		}
	}
	return open
}

// Tell fills in what is known of open letters.
func (c *Counter) Tell(l *Letters) {
	open := c.open()
	if open == nil {
		return
	}
	sum := 0
	l.Reasons = make(map[string]int, len(open))
	for reason, n := range open {
		sum += n
		l.Reasons[string(reason)] = n
	}
	l.Open = &sum
	c.mu.Lock()
	defer c.mu.Unlock()
	l.Counted, l.Oldest, l.Rules = c.counted.UTC(), c.summary.Oldest, maps.Clone(c.summary.ByRule)
}

var openDesc = prometheus.NewDesc("ciobridge_dead_letters_open",
	"Dead letters in the log that nobody has resolved, by reason: as of the last count, and those that this bridge "+
		"has stored since.", []string{"reason"}, nil)

// Describe implements prometheus.Collector.
func (c *Counter) Describe(ch chan<- *prometheus.Desc) { ch <- openDesc }

// Collect implements prometheus.Collector. There is no series before the first count.
func (c *Counter) Collect(ch chan<- prometheus.Metric) {
	open := c.open()
	if open == nil {
		return
	}
	for _, reason := range event.Reasons() {
		n := float64(open[reason])
		ch <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, n, string(reason))
	}
}
