package kafka

import (
	"cmp"
	"strconv"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// partitionKey names a partition.
type partitionKey struct {
	topic string
	id    int32
}

// String renders the partition as topic/partition.
func (k partitionKey) String() string { return k.topic + "/" + strconv.Itoa(int(k.id)) }

// partition is one partition during one generation.
//
// It is starting until its checkpoint is known and compared with its log; then it has a tracker, and is reading. Its
// fetcher asks for one chunk ahead while its worker hands over another. The worker is a goroutine only while there is a
// chunk, so that a partition in which nothing happens costs little. When its leader moves, it changes its fetcher and
// keeps its place. When what was fetched cannot be used, it is rewound: its epoch grows, and chunks of older epochs are
// thrown away. When it falls out of its log, it is starting again; when it cannot go on, it is halted; when its topic
// stops, it rests. At the end of the generation its tracker is closed.
//
// The fields below mu are guarded by it. The functions that need it held say so.
type partition struct {
	key           partitionKey
	share         *memory.Share
	tracker       *consumer.Tracker // set before the first chunk
	worker        worker
	retries       *retryLogger
	committed     int64  // what was last committed; the committer's own
	committedAcks uint64 // of the tracker when that was; the committer's own
	sentAcks      uint64 // of the tracker when the commit was made whose answer is awaited; the committer's own

	mu              sync.Mutex
	phase           phase
	start           checkpoint // where the group stands; while starting
	addedLater      bool       // the partition came into being after the group began to read the topic
	topicPartitions int        // how many partitions the topic has
	fetcher         *fetcher   // of its leader; nil while there is none
	next            int64      // offset to fetch next
	epoch           int        // grows when next is set back; chunks of older epochs are thrown away
	bytes           int32      // to ask for, when a batch is larger than what is asked for ordinarily
	working         bool       // there is a worker
	queued          *chunk     // waits for the worker, which is at another
	notBefore       time.Time  // when the leader may be asked again
	aboveSince      time.Time  // since when the log seems to end before the committed offset
	faults          int        // corrupt reads in a row at faultAt
	faultAt         int64
	highWater       int64
	halt            *haltReason
	deleted         bool // the topic is; there is nothing left to commit to
}

// phase is what a partition is at.
type phase int

const (
	phaseStarting phase = iota // its committed offset is not yet compared with its log
	phaseReading
	phaseHalted  // it cannot go on without an operator
	phaseResting // its topic has stopped: nothing more is read of it in this generation
)

// state says what the partition is at.
func (p *partition) state() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.phase {
	case phaseHalted:
		return p.halt.String()
	case phaseReading, phaseResting:
		return "reading"
	}
	return "starting"
}

// ready reports whether the partition, being at ph, wants its fetcher now. The caller holds mu.
func (p *partition) ready(now time.Time, ph phase) bool {
	return p.phase == ph && !now.Before(p.notBefore) && (ph == phaseStarting || p.queued == nil)
}

// nextChunk gives the worker its next chunk, and tells the partition's fetcher that there is room for one more. Where
// there is none the worker ends.
func (p *partition) nextChunk() *chunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.queued
	p.queued, p.working = nil, c != nil
	if p.fetcher != nil {
		p.fetcher.signal()
	}
	return c
}

// rest ends the reading of the partition for this generation, and throws away what is fetched ahead: when its topic
// goes on, another generation reads it again.
func (p *partition) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase != phaseHalted {
		p.phase = phaseResting
	}
	p.epoch++
}

// busy reports whether messages of the partition are being handed over.
func (p *partition) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.working
}

// rewind makes the next fetch begin at an offset that was fetched before. The caller holds mu.
func (p *partition) rewind(offset int64) {
	p.epoch++
	p.next = offset
}

// comparePartitions puts partitions in the order of their topics and numbers.
func comparePartitions(a, b *partition) int {
	return cmp.Or(cmp.Compare(a.key.topic, b.key.topic), cmp.Compare(a.key.id, b.key.id))
}

// current reports whether a chunk of this epoch is to be handed over.
func (p *partition) current(epoch int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch == epoch
}

// startReading starts reading at an offset, or goes on there.
func (p *partition) startReading(c checkpoint, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracker == nil {
		p.tracker = consumer.NewTracker(c.offset, limit)
		p.tracker.Resume(c.acked)
	}
	p.start = checkpoint{offset: c.offset}
	p.phase = phaseReading
	p.next = c.offset
}

// uncommitted is what is acked and not committed; not ok while that is nothing, while reading has not begun, and when
// the log is gone.
func (p *partition) uncommitted() (c checkpoint, ok bool) {
	p.mu.Lock()
	tracker, deleted := p.tracker, p.deleted
	p.mu.Unlock()
	if tracker == nil || deleted {
		return c, false
	}
	if committable, acks := tracker.Position(); committable <= p.committed && acks == p.committedAcks {
		return c, false
	}
	c.partitions = p.topicPartitions
	c.offset, c.acked, p.sentAcks = tracker.Acked(nil)
	return c, true
}
