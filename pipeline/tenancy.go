package pipeline

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// A parcel is one message in hand, with the calls it became. The message is done when every call of
// it is settled and what failed of it is stored.
type parcel struct {
	first      [1]entry // the entries, where there is one
	entries    []entry  // one for each call
	tenancy    *tenancy
	came       time.Duration   // about when it arrived, since the pipeline was made; who waits behind another in a lane lingers meanwhile
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
	prev       *parcel         // in the tenancy's list
	next       *parcel

	done  func()
	share *share
	bytes int64 // that it takes in memory
	calls []event.Call
	msg   event.Message
}

// A tenancy is what the pipeline holds under one lease.
type tenancy struct {
	lease    context.Context
	draining bool
	fresh    line
	parcels  parcel // head of the list of parcels in hand
	ready    int    // entries that a sender will take
	flying   int    // entries in a request
	letters  int    // letters that are not stored yet
	telling  int    // messages whose done is about to be called
	unwatch  func() bool
	// still is closed, and resting set, when nothing of a draining tenancy moves any more, nor may.
	still   chan struct{}
	resting bool

	// Guarded by the intake's lock: whether something of it has arrived and is not admitted, since when, and how much.
	behind bool
	since  time.Duration
	tally  tally
}

func newTenancy(lease context.Context) *tenancy {
	t := &tenancy{lease: lease, still: make(chan struct{})}
	t.parcels.prev, t.parcels.next = &t.parcels, &t.parcels
	return t
}

func (t *tenancy) add(p *parcel) {
	p.prev, p.next = t.parcels.prev, &t.parcels
	p.prev.next, p.next.prev = p, p
}

func (t *tenancy) remove(p *parcel) {
	p.prev.next, p.next.prev = p.next, p.prev
	p.prev, p.next = nil, nil
}

// over reports whether no attempt may begin under the lease any more.
func (t *tenancy) over(now time.Time) bool {
	deadline, ok := t.lease.Deadline()
	return ok && !now.Before(deadline)
}

// release gives up on an entry that cannot move before its lease ends. It stays in its lanes, so that nothing overtakes it,
// and comes again from the source.
func (t *tenancy) release(e *entry) { e.state = released }

// settle closes still when a draining tenancy has come to rest.
func (t *tenancy) settle() {
	if t.draining && !t.resting && t.ready == 0 && t.flying == 0 && t.letters == 0 && t.telling == 0 {
		t.resting = true
		close(t.still)
	}
}

// tenancy returns what is held under the lease, from its first message on. The caller holds the intake's lock.
func (p *Pipeline) tenancy(lease context.Context) *tenancy {
	in := &p.intake
	if in.current != nil && in.current.lease == lease {
		return in.current
	}
	t := in.tenancies[lease]
	if t == nil {
		t = newTenancy(lease)
		in.tenancies[lease] = t
		p.drains.Add(1)
		t.unwatch = afterEnd(lease, func() {
			defer p.drains.Done()
			p.drain(t)
		})
	}
	in.current = t
	return t
}

// drain lets what moves finish and drops the rest. It returns when nothing under the lease is in a request any more.
func (p *Pipeline) drain(t *tenancy) {
	p.mu.Lock()
	p.admit() // from the end of the lease on nothing arrives
	t.draining = true
	p.queue.releaseHeld(t)
	p.draining++
	p.intake.refuse(t)
	t.settle()
	p.mu.Unlock()
	p.wake()
	ring(p.outbox.ended)

	if deadline, ok := t.lease.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		select {
		case <-t.still:
		case <-timer.C:
			p.wake()
		}
	}
	<-t.still
	p.forget(t)
	p.wake() // what stood behind it may be ready
}

// forget drops everything that is left under an ended lease: nothing of it is in a request, and since it rests nothing becomes
// ready when the one before it goes.
func (p *Pipeline) forget(t *tenancy) {
	p.mu.Lock()
	p.draining--
	var dropped, done []*parcel
	for m := t.parcels.next; m != &t.parcels; {
		next := m.next
		for i := range m.entries {
			if e := &m.entries[i]; e.parcel != nil {
				p.retire(e)
			}
		}
		done = p.forgo(m, done)
		t.remove(m)
		dropped = append(dropped, m)
		m = next
	}
	p.intake.forget(t, dropped)
	p.mu.Unlock()
	p.tell(done)
}

// abandon ends what is left when the source has returned and the senders are gone.
func (p *Pipeline) abandon() {
	p.mu.Lock()
	for _, t := range p.intake.held() {
		if t.unwatch() {
			p.drains.Done()
		}
		t.ready, t.letters = 0, 0
		t.draining = true
		t.settle()
	}
	p.mu.Unlock()
	p.drains.Wait()
}

// afterEnd has f run when the lease ends. A lease of a source has a method of its own for that, which makes the source wait for
// f; context.AfterFunc would put a goroutine in between for which nobody can wait.
func afterEnd(lease context.Context, f func()) (stop func() bool) {
	if l, ok := lease.(interface{ AfterFunc(func()) func() bool }); ok {
		return l.AfterFunc(f)
	}
	return context.AfterFunc(lease, f)
}
