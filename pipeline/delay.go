package pipeline

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// delayBounds are the buckets of delays: what a trigger feels, what an outage of a weekend makes, and the 72 hours
// after which an event starts no campaign.
var delayBounds = [...]time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
	15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour,
}

// delays counts how long messages took from the broker's time for their record until Customer.io had taken all of their
// calls. It is a histogram that is added to under the pipeline's lock and costs no atomic operation a message.
type delays struct {
	mu      *sync.Mutex // the pipeline's
	buckets [len(delayBounds) + 1]uint64
	sum     float64 // seconds
}

// add counts a message that is delivered now. A record without a time is left out, and one from the future took no
// time. The caller holds the lock.
func (d *delays) add(written, now time.Time) {
	if written.IsZero() {
		return
	}
	took := max(0, now.Sub(written))
	i := 0
	for i < len(delayBounds) && took > delayBounds[i] {
		i++
	}
	d.buckets[i]++
	d.sum += took.Seconds()
}

var delayDesc = prometheus.NewDesc("ciobridge_delay_seconds",
	"Time from a record's own time at the broker until Customer.io had taken all calls made of it.", nil, nil)

// Describe implements prometheus.Collector.
func (d *delays) Describe(ch chan<- *prometheus.Desc) { ch <- delayDesc }

// Collect implements prometheus.Collector.
func (d *delays) Collect(ch chan<- prometheus.Metric) {
	d.mu.Lock()
	buckets, sum := d.buckets, d.sum
	d.mu.Unlock()
	count, upTo := uint64(0), make(map[float64]uint64, len(delayBounds))
	for i, n := range buckets {
		if count += n; i < len(delayBounds) {
			upTo[delayBounds[i].Seconds()] = count
		}
	}
	ch <- prometheus.MustNewConstHistogram(delayDesc, count, sum, upTo)
}
