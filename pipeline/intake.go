package pipeline

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// An intake holds messages from when they are mapped until a sender takes them up. It has a lock of its own, which is held for little:
// those who read and those who send run on different cores, and would otherwise stop each other at every message.
type intake struct {
	began time.Time // what times of arrival count from
	items int       // calls that fill a request
	bytes int       // and their bytes

	mu        sync.Mutex
	budget    budget
	tenancies map[context.Context]*tenancy
	current   *tenancy // of the last message
	arrived   []*parcel
	behind    []*tenancy // of what has arrived, each once
	lines     []*tenancy // that had fresh calls when a sender last looked
	all       tally      // of all tenancies
	most      int        // requests that are to be ready, and no more
	skipped   int        // messages that no rule wanted since the last that has arrived
	idle      bool       // whoever waits for a batch has nothing to wait for, and is to be woken by whatever arrives
}

// A tally is what is ready to leave: what was when a sender last looked, and what has arrived since.
type tally struct{ ready, arrived load }

// A load is a number of calls and their bytes.
type load struct{ items, bytes int }

func (l *load) add(pc *parcel) {
	l.items += len(pc.calls)
	l.bytes += pc.size
}

// fills reports whether the tally fills so many requests.
func (in *intake) fills(t *tally, requests int) bool {
	return t.ready.items+t.arrived.items >= requests*in.items || t.ready.bytes+t.arrived.bytes >= requests*in.bytes
}

// arrive waits for room and puts a message into the intake. It reports whether a waiting sender should look.
func (p *Pipeline) arrive(lease context.Context, pc *parcel) (look bool, err error) {
	in := &p.intake
	in.mu.Lock()
	defer in.mu.Unlock()
	if lease.Err() != nil { // what came before it has been let go, and must not come after it
		return false, context.Cause(lease)
	}
	pc.tenancy = p.tenancy(lease)
	if err := p.reserve(lease, pc); err != nil {
		return false, err
	}
	return in.add(pc), nil
}

// add puts a message into the intake. The caller holds mu.
func (in *intake) add(pc *parcel) (look bool) {
	t := pc.tenancy
	if t.behind == 0 {
		t.since = time.Since(in.began)
		in.behind = append(in.behind, t)
	}
	t.behind++
	pc.came, pc.skipped, in.skipped = t.since, in.skipped, 0
	full := in.fills(&t.tally, 1)
	t.tally.arrived.add(pc)
	in.all.arrived.add(pc)
	in.arrived = append(in.arrived, pc)
	if in.fills(&in.all, in.most) {
		in.budget.enough(true)
	}
	look = in.idle || pc.urgent || !full && in.fills(&t.tally, 1)
	in.idle = false
	return look
}

// skip counts a message that no rule wants.
func (in *intake) skip() {
	in.mu.Lock()
	in.skipped++
	in.mu.Unlock()
}

// admit puts the calls of what has arrived into their lanes. The caller holds p.mu.
func (p *Pipeline) admit() {
	in := &p.intake
	in.mu.Lock()
	arrived := in.arrived
	in.arrived = p.admitted[:0]
	for _, t := range in.behind {
		t.behind, t.tally.arrived = 0, load{}
	}
	in.behind = in.behind[:0]
	in.all.arrived = load{}
	p.crowded = in.budget.spent()
	in.mu.Unlock()
	for _, pc := range arrived {
		p.enter(pc)
	}
	clear(arrived)
	p.admitted = arrived
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
	in.lines = append(in.lines[:0], q.lines...)
	for _, t := range in.lines {
		t.tally.ready = t.fresh.load
	}
	in.all.ready = q.fresh
	in.most = ahead + max(0, len(q.lines)-1)
	switch {
	case in.fills(&in.all, in.most):
		in.budget.enough(true)
	case !in.fills(&in.all, in.most/2):
		in.budget.enough(false)
	}
	in.idle = waits && len(q.lines) == 0
	if !waits {
		return false
	}
	again = in.idle && len(in.arrived) > 0
	for _, t := range in.behind {
		again = again || in.fills(&t.tally, 1)
	}
	return again
}

// give frees what messages held that are done.
func (in *intake) give(done []*parcel) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, pc := range done {
		in.budget.give(pc)
	}
}

// refuse ends the waiting for room of everything under a lease that is being given up.
func (in *intake) refuse(t *tenancy) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.budget.refuse(t)
}

// forget drops a tenancy, and frees what its messages held.
func (in *intake) forget(t *tenancy, dropped []*parcel) {
	in.give(dropped)
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.tenancies, t.lease)
	if in.current == t {
		in.current = nil
	}
}

// open gives the tenancies that are not forgotten.
func (in *intake) open() []*tenancy {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Collect(maps.Values(in.tenancies))
}
