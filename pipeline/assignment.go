package pipeline

import (
	"math"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// A message is one message in hand, with the calls it became. The message is done when every call of
// it is settled and what failed of it is stored.
type message struct {
	first      [1]entry // the entries, where there is one
	entries    []entry  // one for each call
	assignment *assignment
	arrived    time.Duration   // when it entered, since the pipeline was made. Linger counts from here, also for a call that waited behind another of its person
	failures   []event.Failure // of mapping it, and of its calls: they become one letter
	open       int32           // calls that are not settled
	awaits     int32           // messages of which the source is to be told before
	size       int32           // bytes of its calls in a request
	skipped    int32           // messages that no rule wanted, before it
	seq        uint32          // counts the messages in the order in which they entered their lanes
	urgent     bool            // something of it does not wait for company
	finished   bool            // nothing of it is open, and its letter is stored
	remembered bool            // by a lane that it has left
	followers  *chain          // messages that await this one, each as often as it does
	prev       *message        // in the assignment's list
	next       *message

	done    func()
	account *memory.Account
	bytes   int64 // that it takes in memory
	calls   []event.Call
	event.Message
}

// A assignment is what the pipeline holds under one lease.
type assignment struct {
	lease        event.Lease
	draining     bool
	ready        readyQueue
	messages     message // head of the list of messages in hand
	queued       int     // entries that a sender will take
	sending      int     // entries in a request
	letters      int     // letters that are not stored yet
	acking       int     // messages whose done is about to be called
	stopWatching func() bool
	// drained is closed, and isDrained set, when nothing of a draining assignment moves any more, nor may.
	drained   chan struct{}
	isDrained bool

	// Guarded by the input's lock: when the first of its messages arrived since the queue was last emptied.
	arrived time.Duration
	round   uint64
}

func newAssignment(lease event.Lease) *assignment {
	a := &assignment{lease: lease, drained: make(chan struct{}), round: math.MaxUint64}
	a.messages.prev, a.messages.next = &a.messages, &a.messages
	return a
}

func (a *assignment) add(p *message) {
	p.prev, p.next = a.messages.prev, &a.messages
	p.prev.next, p.next.prev = p, p
}

func (a *assignment) remove(p *message) {
	p.prev.next, p.next.prev = p.next, p.prev
	p.prev, p.next = nil, nil
}

// expired reports whether no attempt may begin under the lease any more.
func (a *assignment) expired(now time.Time) bool {
	deadline, ok := a.lease.Deadline()
	return ok && !now.Before(deadline)
}

// abandon gives up on an entry that cannot move before its lease ends. It stays in its lanes, so that nothing overtakes it,
// and comes again from the source.
func (a *assignment) abandon(e *entry) { e.state = abandoned }

// checkDrained closes drained when a draining assignment has come to rest.
func (a *assignment) checkDrained() {
	if a.draining && !a.isDrained && a.queued == 0 && a.sending == 0 && a.letters == 0 && a.acking == 0 {
		a.isDrained = true
		close(a.drained)
	}
}

// assignment returns what is held under the lease, from its first message on. The caller holds the input's lock.
func (p *Pipeline) assignment(lease event.Lease) *assignment {
	in := &p.input
	if in.last != nil && in.last.lease == lease {
		return in.last
	}
	a := in.assignments[lease]
	if a == nil {
		a = newAssignment(lease)
		in.assignments[lease] = a
		p.drains.Add(1)
		a.stopWatching = lease.AfterFunc(func() {
			defer p.drains.Done()
			p.drain(a)
		})
	}
	in.last = a
	return a
}

// drain lets what moves finish and drops the rest. It returns when nothing under the lease is in a request any more.
func (p *Pipeline) drain(a *assignment) {
	p.mu.Lock()
	p.takeArrived() // from the end of the lease on nothing arrives
	a.draining = true
	p.queue.abandonDelayed(a)
	p.draining++
	a.checkDrained()
	p.mu.Unlock()
	p.wake()
	notify(p.pending.ended)

	if deadline, ok := a.lease.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		select {
		case <-a.drained:
		case <-timer.C:
			p.wake()
		}
	}
	<-a.drained
	p.dropAssignment(a)
	p.wake() // what stood behind it may be ready
}

// dropAssignment drops everything that is left under an ended lease: nothing of it is in a request, and since it rests nothing becomes
// ready when the one before it goes.
func (p *Pipeline) dropAssignment(a *assignment) {
	p.mu.Lock()
	p.draining--
	var dropped, done []*message
	for m := a.messages.next; m != &a.messages; {
		next := m.next
		for i := range m.entries {
			if e := &m.entries[i]; e.message != nil {
				p.leaveLanes(e)
			}
		}
		done = p.stopAwaiting(m, done)
		a.remove(m)
		dropped = append(dropped, m)
		m = next
	}
	p.input.forget(a)
	p.release(dropped)
	p.mu.Unlock()
	p.ack(done)
}

// endAssignments ends what is left when the source has returned and the senders are gone.
func (p *Pipeline) endAssignments() {
	p.mu.Lock()
	for _, a := range p.input.held() {
		if a.stopWatching() {
			p.drains.Done()
		}
		a.queued, a.letters = 0, 0
		a.draining = true
		a.checkDrained()
	}
	p.mu.Unlock()
	p.drains.Wait()
}
