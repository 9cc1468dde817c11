package pipeline

import (
	"context"
	"sync"

	"github.com/ciobridge/ciobridge/event"
)

// An inlet is where messages of a partition enter the intake. What the intake has lent it room for it takes without asking, so that
// readers of different partitions stop each other only now and then.
type inlet struct {
	mu      sync.Mutex
	tenancy *tenancy  // whose messages it takes; nil without credit
	calls   int       // that it still takes
	bytes   int64     // that it still takes, and that are reserved
	arrived []*parcel // that the intake does not know of yet
	skipped int       // messages that no rule wanted since the last that has arrived

	_ [64]byte // to the end of the second line of the processor's cache, so that neighbours do not share one
}

// Partitions that share an inlet, which is seldom those that have something at the same time, take turns at it.
const inletCount = 128

// What an inlet takes without asking: so many calls, and bytes up to the smaller of two limits, the second a share of the budget.
const (
	creditCalls = 16
	creditBytes = 32 << 10
	creditShare = 512
)

func (in *intake) inlet(o *event.Origin) *inlet { return &in.inlets[uint32(o.Partition)%inletCount] }

// skip counts a message that no rule wants.
func (in *intake) skip(o *event.Origin) {
	i := in.inlet(o)
	i.mu.Lock()
	i.skipped++
	i.mu.Unlock()
}

// take takes a message if there is credit for it. The caller holds i.mu.
func (i *inlet) take(lease context.Context, pc *parcel) bool {
	if i.calls == 0 || len(pc.calls) != 1 || pc.urgent || i.bytes < pc.bytes || i.tenancy.lease != lease {
		return false
	}
	i.calls--
	i.bytes -= pc.bytes
	pc.tenancy = i.tenancy
	i.arrived = append(i.arrived, pc)
	return true
}

// flush moves what has come to an inlet into the intake, and reports whether a waiting sender should look. The caller holds both locks.
func (in *intake) flush(i *inlet) (look bool) {
	if len(i.arrived) == 0 {
		return false
	}
	i.tenancy.lent -= len(i.arrived)
	for _, pc := range i.arrived {
		in.budget.spend(pc)
		look = in.add(pc) || look
	}
	clear(i.arrived)
	i.arrived = i.arrived[:0]
	return look
}

// lend gives an inlet credit for what comes next, unless there is little room, or what it takes could fill a request for which nobody
// would be woken. The caller holds both locks, and the inlet is empty.
func (in *intake) lend(i *inlet, t *tenancy) {
	full := in.fills(&t.tally, 1)
	if !full && (t.tally.ready.items+t.tally.arrived.items+t.lent+creditCalls >= in.items ||
		t.tally.ready.bytes+t.tally.arrived.bytes+(len(in.open)+1)*creditBytes >= in.bytes) {
		return
	}
	if !in.budget.lend(&i.bytes) {
		return
	}
	if i.tenancy == nil {
		in.open = append(in.open, i)
	} else {
		i.tenancy.lent -= i.calls
	}
	i.tenancy, i.calls = t, creditCalls
	t.lent += creditCalls
	in.blind = in.blind || full
}

// flushAll empties all inlets and takes their credit back: whoever comes next asks, and sees whether a sender is to be woken.
func (in *intake) flushAll() {
	in.mu.Lock()
	open := in.open
	in.open, in.blind = nil, false
	in.mu.Unlock()
	for _, i := range open {
		i.mu.Lock()
		in.mu.Lock()
		in.flush(i)
		in.budget.giveBack(&i.bytes)
		i.tenancy.lent -= i.calls
		i.tenancy, i.calls = nil, 0
		in.mu.Unlock()
		i.mu.Unlock()
	}
}
