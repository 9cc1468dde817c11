package pipeline

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/pipeline/batch"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// input is the queue between those that read and map messages and the sender that collects a batch. It has a lock
// of its own, which is held for an append or an exchange of slices, so that readers do not wait for what senders do
// under p.mu.
//
// All messages have one order, whichever partitions they come from. The collecting sender takes all of them at
// once. It says after how many calls it is to be woken, and from how many on readers pause.
type input struct {
	began time.Time // what times of arrival count from

	// Messages that no rule wanted and that are not counted yet: in all, and by topic. Nothing changes a map that
	// stands there.
	skipped atomic.Int64
	skips   atomic.Pointer[map[string]*atomic.Int64]

	mu          sync.Mutex
	assignments map[event.Lease]*inflight.Assignment
	last        *inflight.Assignment // of the last message
	messages    []*inflight.Message  // in the order in which they came
	load        inflight.Load        // of their calls
	round       uint64               // how often the queue was emptied
	wakeAt      inflight.Load        // so much wakes the collecting sender
	sender      *destination         // of which it collects; nil while all senders have something to do
	pauseAt     inflight.Load        // so much makes readers pause
	resumed     chan struct{}        // not nil while readers pause, and closed when they may go on
}

// enqueue reserves memory for a message and puts it into the queue. It waits while there is no room, and while
// enough is ready for the senders: more would only stand in memory, in the place of what is read next in the
// processor's caches.
func (p *Pipeline) enqueue(lease event.Lease, msg *inflight.Message) error {
	if lease.Err() != nil {
		return context.Cause(lease) // without taking room from others
	}
	from := memory.Partition{Topic: msg.Event.Origin.Topic, ID: msg.Event.Origin.Partition}
	account, waiter := p.memory.Reserve(from, msg.Bytes)
	if waiter != nil {
		p.wake() // nobody lingers while there is no room
		p.input.wake()
		select {
		case <-waiter.Granted:
		case <-lease.Done():
			p.memory.Cancel(waiter)
			return context.Cause(lease)
		}
	}
	msg.Account = account
	for {
		paused, err := p.append(lease, msg)
		if err != nil {
			p.memory.Release(account, msg.Bytes)
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

// append puts a message into the queue, or returns what to wait for while readers pause. Whether the lease stands
// is asked under the lock: what its drain finds in the queue is all that there is, and nothing comes after it.
func (p *Pipeline) append(lease event.Lease, msg *inflight.Message) (paused chan struct{}, err error) {
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
	if a.Round != in.round {
		a.Round, a.Arrived = in.round, time.Since(in.began)
	}
	msg.Assignment, msg.Arrived = a, a.Arrived
	if in.skipped.Load() > 0 {
		n := in.skipsOf(msg.Event.Origin.Topic).Swap(0)
		in.skipped.Add(-n)
		msg.Skipped = int32(min(n, breaker.Window))
	}
	in.messages = append(in.messages, msg)
	in.load = in.load.Plus(inflight.Load{Calls: len(msg.Calls), Bytes: int(msg.Size)})
	if msg.Urgent || in.load.Reaches(in.wakeAt) {
		in.wakeSender()
	}
	if in.load.Reaches(in.pauseAt) { // the sender is woken by then: less than a full request wakes it
		in.resumed = make(chan struct{})
	}
	return nil, nil
}

// skip counts a message of a topic that no rule wanted.
func (in *input) skip(topic string) {
	in.skipsOf(topic).Add(1)
	in.skipped.Add(1)
}

// skipsOf is where the skipped messages of a topic are counted.
func (in *input) skipsOf(topic string) *atomic.Int64 {
	for {
		known := in.skips.Load()
		if known != nil {
			if n := (*known)[topic]; n != nil {
				return n
			}
		}
		more := map[string]*atomic.Int64{strings.Clone(topic): {}}
		if known != nil {
			maps.Copy(more, *known)
		}
		in.skips.CompareAndSwap(known, &more)
	}
}

// wake makes a collecting sender take what has arrived, however little it is.
func (in *input) wake() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wakeSender()
}

// wakeSender makes a collecting sender take what has arrived. Where none collects, the next that does takes it.
func (in *input) wakeSender() {
	in.wakeAt = batch.Never
	if in.sender != nil {
		notify(in.sender.wakeup)
	}
}

// takeArrived puts the calls of what has arrived into their lanes. By is the destination for which the caller collects,
// if it does; it holds p.mu.
func (p *Pipeline) takeArrived(by *destination) {
	in := &p.input
	in.mu.Lock()
	arrived := in.messages
	in.messages, p.arrived = p.arrived[:0], nil
	in.load = inflight.Load{}
	in.round++
	in.mu.Unlock()
	for _, msg := range arrived {
		p.enterLanes(msg, by)
	}
	clear(arrived)
	p.arrived = arrived
}

// watchInput says when to wake the collecting sender and when readers pause, by what is ready. What has arrived
// meanwhile counts. The caller holds p.mu.
func (p *Pipeline) watchInput() {
	in := &p.input
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wakeAt, in.sender = p.missing(), p.waiting()
	if in.load.Reaches(in.wakeAt) && len(in.messages) > 0 {
		in.wakeSender()
	}
	room, half := p.room()
	in.pauseAt = room
	if in.resumed != nil && half {
		close(in.resumed)
		in.resumed = nil
	}
}

// held gives the assignments that have not ended.
func (in *input) held() []*inflight.Assignment {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Collect(maps.Values(in.assignments))
}

// forget drops an assignment that has ended.
func (in *input) forget(a *inflight.Assignment) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.assignments, a.Lease)
	if in.last == a {
		in.last = nil
	}
}
