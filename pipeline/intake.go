package pipeline

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An intake holds messages from when they are mapped until a sender takes them up. It has locks of its own, which are held for little:
// those who read and those who send run on different cores, and would otherwise stop each other at every message.
type intake struct {
	inlets  [inletCount]inlet
	top     atomic.Pointer[message] // of the stack of what has arrived
	skipped atomic.Int64            // messages that no rule wanted, since the last that arrived
	_       [48]byte                // what stands above changes with every message

	began time.Time // what times of arrival count from
	items int       // calls that fill a request
	bytes int       // and their bytes

	mu          sync.Mutex // after those of the inlets
	budget      budget
	assignments map[context.Context]*assignment
	current     *assignment   // of the last message
	open        []*inlet      // those with credit
	blind       bool          // credit was given while a request was full already, and may fill the next one unseen
	behind      []*assignment // those of which something has arrived, each once
	lines       []*assignment // that had fresh calls when a sender last looked
	all         tally         // of all assignments
	most        int           // requests that are to be ready, and no more
	idle        bool          // whoever waits for a batch has nothing to wait for, and is to be woken by whatever arrives
}

// A tally is what is ready to leave: what was when a sender last looked, what has arrived since, and what inlets have taken or may take
// beyond that.
type tally struct{ ready, arrived, lent load }

// A load is a number of calls and their bytes.
type load struct{ items, bytes int }

func (l *load) change(items int, bytes int64) {
	l.items += items
	l.bytes += int(bytes)
}

// fills reports whether what is known of fills so many requests.
func (in *intake) fills(t *tally, requests int) bool {
	return t.ready.items+t.arrived.items >= requests*in.items || t.ready.bytes+t.arrived.bytes >= requests*in.bytes
}

// mayFill reports whether a request may be full with so much more, if all that is lent has been used.
func (in *intake) mayFill(t *tally, more load) bool {
	return t.ready.items+t.arrived.items+t.lent.items+more.items >= in.items || t.ready.bytes+t.arrived.bytes+t.lent.bytes+more.bytes >= in.bytes
}

// arrive waits for room and puts a message into the intake. It reports whether a waiting sender should look.
func (p *Pipeline) arrive(lease context.Context, msg *message) (look bool, err error) {
	in := &p.intake
	i := in.inlet(&msg.Origin)
	i.mu.Lock()
	if lease.Err() == nil && i.take(lease, msg) {
		in.push(msg)
		i.mu.Unlock()
		return false, nil
	}
	in.mu.Lock()
	in.withdraw(i)
	var r *reservation
	if lease.Err() != nil { // what came before it has been let go, and must not come after it
		err = context.Cause(lease)
	} else {
		msg.assignment = p.assignment(lease)
		if r = in.budget.take(msg); r == nil {
			look = in.add(msg)
			in.lend(i, msg)
		}
	}
	in.mu.Unlock()
	i.mu.Unlock()
	if r == nil {
		return look, err
	}
	p.wake() // nobody lingers while there is no room
	return in.await(lease, msg, r)
}

// push puts a message on the stack of what has arrived.
func (in *intake) push(msg *message) {
	if in.skipped.Load() > 0 {
		msg.skipped = int32(min(in.skipped.Swap(0), windowSize))
	}
	for {
		msg.next = in.top.Load()
		if in.top.CompareAndSwap(msg.next, msg) {
			return
		}
	}
}

// pull takes what has arrived, as a list in the order in which it came.
func (in *intake) pull() (first *message) {
	for msg := in.top.Swap(nil); msg != nil; {
		below := msg.next
		msg.next, first = first, msg
		msg = below
	}
	return first
}

// await waits until a message's bytes are reserved, and puts it into the intake.
func (in *intake) await(lease context.Context, msg *message, r *reservation) (look bool, err error) {
	granted := <-r.granted
	in.mu.Lock()
	defer in.mu.Unlock()
	if granted && lease.Err() != nil { // it ended in between
		in.budget.give(msg)
		granted = false
	}
	if !granted {
		return false, context.Cause(lease)
	}
	return in.add(msg), nil
}

// add puts a message into the intake. The caller holds mu.
func (in *intake) add(msg *message) (look bool) {
	t := msg.assignment
	if !t.behind {
		in.follow(t)
	}
	msg.arrived = t.since
	full := in.mayFill(&t.tally, load{})
	t.tally.arrived.change(len(msg.calls), int64(msg.size))
	in.all.arrived.change(len(msg.calls), int64(msg.size))
	in.push(msg)
	if in.fills(&in.all, in.most) {
		in.budget.enough(true)
	}
	look = in.idle || msg.urgent || !full && in.mayFill(&t.tally, load{})
	in.idle = false
	return look
}

// follow notes that something of a assignment has arrived since a sender last looked.
func (in *intake) follow(t *assignment) {
	t.behind, t.since = true, time.Since(in.began)
	in.behind = append(in.behind, t)
}

// admit puts the calls of what has arrived into their lanes. The caller holds p.mu.
func (p *Pipeline) admit() {
	in := &p.intake
	in.withdrawAll()
	in.mu.Lock()
	arrived := in.pull()
	for _, t := range in.behind {
		t.behind, t.tally.arrived = false, load{}
	}
	in.behind = in.behind[:0]
	in.all.arrived = load{}
	p.crowded = in.budget.spent()
	in.mu.Unlock()
	for msg := arrived; msg != nil; {
		next := msg.next
		p.enterLanes(msg)
		msg = next
	}
}

// report tells the intake what is ready. A sender that is about to wait for more is told to look again when that has arrived already.
// The caller holds p.mu.
func (p *Pipeline) report(waits bool) (again bool) {
	in, q := &p.intake, &p.queue
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, t := range in.lines {
		t.tally.ready = load{}
	}
	in.lines = append(in.lines[:0], q.withReady...)
	for _, t := range in.lines {
		t.tally.ready = t.ready.load
	}
	in.all.ready = q.ready
	in.most = ahead + max(0, len(q.withReady)-1)
	switch {
	case in.fills(&in.all, in.most):
		in.budget.enough(true)
	case !in.fills(&in.all, in.most/2):
		in.budget.enough(false)
	}
	in.idle = waits && len(q.withReady) == 0
	if !waits {
		return false
	}
	again = in.blind || in.idle && (in.top.Load() != nil || len(in.open) > 0)
	for _, t := range in.behind {
		again = again || in.mayFill(&t.tally, load{})
	}
	return again
}

// give frees what messages held that are done.
func (in *intake) give(done []*message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, msg := range done {
		in.budget.give(msg)
	}
}

// refuse ends the waiting for room of everything under a lease that is being given up.
func (in *intake) refuse(t *assignment) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.budget.refuse(t)
}

// forget drops a assignment, and frees what its messages held.
func (in *intake) forget(t *assignment, dropped []*message) {
	in.give(dropped)
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.assignments, t.lease)
	if in.current == t {
		in.current = nil
	}
}

// held gives the assignments that are not forgotten.
func (in *intake) held() []*assignment {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Collect(maps.Values(in.assignments))
}
