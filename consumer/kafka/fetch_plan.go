package kafka

import (
	"math"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
)

// usualFetch is how much is asked for. Producers seldom make larger batches, and those that do not fit are asked for
// twice.
const usualFetch = 128 << 10

// plan decides what to do next: which partitions are to be started, and which chunks to ask for.
func (f *fetcher) plan(now time.Time) (starting []*partition, again time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.epochs, f.request.Partitions = f.asked[:0], f.epochs[:0], f.request.Partitions[:0]
	wait, first := longestWait, f.first()
	for i := range f.partitions {
		p := f.partitions[(first+i)%len(f.partitions)]
		p.mu.Lock()
		at := p.notBefore
		if p.ready(now, phaseStarting) {
			starting = append(starting, p)
			at = time.Time{}
		} else if p.ready(now, phaseReading) {
			f.askFor(p)
			at = time.Time{}
		} else if p.queued != nil {
			// It will want its turn soon, probably after as long again as it has been waiting.
			wait = min(wait, max(soonestWait, now.Sub(p.queued.arrived)))
		}
		if at.After(now) && p.phase != phaseHalted {
			wait = min(wait, max(soonestWait, at.Sub(now)))
			if again.IsZero() || at.Before(again) {
				again = at
			}
		}
		p.mu.Unlock()
	}
	f.request.MaxWait = int32(wait.Milliseconds())
	f.reserve()
	return starting, again
}

// first picks the partition with which the next request begins, round robin: the one after the last that received
// data, so that an answer cut off by MaxBytes cannot starve those behind it. It is never the same one twice in a row:
// where answers reach all partitions, that one would be favoured.
func (f *fetcher) first() int {
	i := slices.Index(f.partitions, f.truncated)
	if i < 0 {
		i = slices.Index(f.partitions, f.last) + 1
		if i%max(1, len(f.partitions)) == f.lastFirst {
			i++
		}
	}
	f.lastFirst = i % max(1, len(f.partitions))
	return f.lastFirst
}

// askFor adds a partition to the request. The caller holds p.mu.
func (f *fetcher) askFor(p *partition) {
	n := max(p.bytes, f.g.fetchSize)
	if !f.g.memory.Allows(p.share, int64(n)) {
		return
	}
	f.asked = append(f.asked, p)
	f.epochs = append(f.epochs, p.epoch)
	f.request.Partitions = append(f.request.Partitions,
		wire.FetchPartition{Topic: p.key.topic, Partition: p.key.id, Offset: p.next, Bytes: n})
}

// reserve takes room for the answer, and drops the request where there is none; the memory limiter signals when there
// is. An answer brings much of a few partitions, not a little of each of many: what it costs is by the partition.
func (f *fetcher) reserve() {
	for f.reserved = 0; len(f.asked) > 0; {
		var all int64
		for _, p := range f.request.Partitions {
			all += int64(p.Bytes)
		}
		first := int64(f.request.Partitions[0].Bytes)
		f.reserved = f.g.memory.Reserve(min(all, max(f.g.answerBytes(), first)), first)
		f.request.MaxBytes = int32(min(f.reserved, math.MaxInt32))
		if f.reserved > 0 {
			return
		}
		n := 1 // a partition that wants more than others waits by itself
		if first <= int64(f.g.fetchSize) {
			n = len(f.asked)
		}
		f.asked, f.epochs = slices.Delete(f.asked, 0, n), slices.Delete(f.epochs, 0, n)
		f.request.Partitions = slices.Delete(f.request.Partitions, 0, n)
	}
}

// releaseReservation gives back what is reserved for the request.
func (f *fetcher) releaseReservation() {
	f.g.memory.Release(nil, f.reserved, false)
	f.reserved = 0
}

// answerBytes is how much one request may bring: what is enough for a while, and together with those to all other
// brokers no more than a quarter of what may be fetched ahead.
func (g *generation) answerBytes() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return min(g.memory.Limit()/4/int64(max(1, len(g.fetchers))), maxUnhanded*int64(g.fetchSize))
}
