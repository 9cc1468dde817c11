package pipeline

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// input is the queue between those that read and map messages and the sender that collects a batch. It has a lock of its own,
// which is held for an append or an exchange of slices, so that readers do not wait for what senders do under p.mu.
//
// All messages have one order, whichever partitions they come from. The collecting sender takes all of them at once. It says
// after how many calls it is to be woken, and from how many on readers pause.
type input struct {
	began   time.Time    // what times of arrival count from
	skipped atomic.Int64 // messages that no rule wanted, since the last that was enqueued

	mu          sync.Mutex
	assignments map[event.Lease]*assignment
	last        *assignment   // of the last message
	messages    []*message    // in the order in which they came
	load        load          // of their calls
	round       uint64        // how often the queue was emptied
	wakeAt      load          // so much wakes the collecting sender
	pauseAt     load          // so much makes readers pause
	resumed     chan struct{} // not nil while readers pause, and closed when they may go on
}

// A load is a number of calls and their bytes.
type load struct{ items, bytes int }

// reaches reports whether there are as many calls, or as many bytes, as in the other.
func (l load) reaches(other load) bool { return l.items >= other.items || l.bytes >= other.bytes }

// never is more than there can be.
var never = load{math.MaxInt, math.MaxInt}

// enqueue reserves memory for a message and puts it into the queue. It waits while there is no room, and while enough is ready
// for the senders: more would only stand in memory, in the place of what is read next in the processor's caches.
func (p *Pipeline) enqueue(lease event.Lease, msg *message) error {
	if lease.Err() != nil {
		return context.Cause(lease) // without taking room from others
	}
	account, waiter := p.memory.Reserve(memory.Partition{Topic: msg.Origin.Topic, ID: msg.Origin.Partition}, msg.bytes)
	if waiter != nil {
		p.wake() // nobody lingers while there is no room
		select {
		case <-waiter.Granted:
		case <-lease.Done():
			p.memory.Cancel(waiter)
			return context.Cause(lease)
		}
	}
	msg.account = account
	for {
		paused, err := p.append(lease, msg)
		if err != nil {
			p.memory.Release(account, msg.bytes)
			return err
		}
		if paused == nil {
			return nil
		}
		select {
		case <-paused:
		case <-lease.Done():
		}
	}
}

// append puts a message into the queue, or returns what to wait for while readers pause. Whether the lease stands is asked under
// the lock: what its drain finds in the queue is all that there is, and nothing comes after it.
func (p *Pipeline) append(lease event.Lease, msg *message) (paused chan struct{}, err error) {
	in := &p.input
	in.mu.Lock()
	defer in.mu.Unlock()
	if lease.Err() != nil {
		return nil, context.Cause(lease)
	}
	if in.resumed != nil {
		return in.resumed, nil
	}
	a := p.assignment(lease)
	if a.round != in.round {
		a.round, a.arrived = in.round, time.Since(in.began)
	}
	msg.assignment, msg.arrived = a, a.arrived
	if in.skipped.Load() > 0 {
		msg.skipped = int32(min(in.skipped.Swap(0), windowSize))
	}
	in.messages = append(in.messages, msg)
	in.load.items += len(msg.calls)
	in.load.bytes += int(msg.size)
	if msg.urgent || in.load.reaches(in.wakeAt) {
		in.wakeAt = never
		p.wake()
	}
	if in.load.reaches(in.pauseAt) {
		in.resumed = make(chan struct{})
	}
	return nil, nil
}

// takeArrived puts the calls of what has arrived into their lanes. The caller holds p.mu.
func (p *Pipeline) takeArrived() {
	in := &p.input
	in.mu.Lock()
	arrived := in.messages
	in.messages, p.arrived = p.arrived[:0], nil
	in.load = load{}
	in.round++
	in.mu.Unlock()
	for _, msg := range arrived {
		p.enterLanes(msg)
	}
	clear(arrived)
	p.arrived = arrived
}

// ahead is how many full requests are made ready ahead of the senders, and one more for every assignment after the first.
const ahead = 4

// watchInput says when to wake the collecting sender and when readers pause, by what is ready. What has arrived meanwhile counts.
// The caller holds p.mu.
func (p *Pipeline) watchInput() {
	in, q := &p.input, &p.queue
	requests := ahead + max(0, len(q.withReady)-1)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wakeAt = q.missing()
	in.pauseAt = load{requests*q.items - q.ready.items, requests*q.bytes - q.ready.bytes}
	if in.load.reaches(in.wakeAt) && len(in.messages) > 0 {
		in.wakeAt = never
		p.wake()
	}
	half := load{requests / 2 * q.items, requests / 2 * q.bytes}
	if in.resumed != nil && !q.ready.reaches(half) {
		close(in.resumed)
		in.resumed = nil
	}
}

// held gives the assignments that have not ended.
func (in *input) held() []*assignment {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Collect(maps.Values(in.assignments))
}

// forget drops an assignment that has ended.
func (in *input) forget(a *assignment) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.assignments, a.lease)
	if in.last == a {
		in.last = nil
	}
}

// release gives back the memory of messages that are finished. What stands together is mostly of one partition.
func (p *Pipeline) release(messages []*message) {
	for len(messages) > 0 {
		account, bytes, n := messages[0].account, int64(0), 0
		for n < len(messages) && messages[n].account == account {
			bytes += messages[n].bytes
			n++
		}
		p.memory.Release(account, bytes)
		messages = messages[n:]
	}
}
