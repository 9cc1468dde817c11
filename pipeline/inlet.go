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
	open    bool      // it is among the intake's open ones; guarded by the intake's lock

	_ [56]byte // to the end of the second line of the processor's cache, so that neighbours do not share one
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
	lent := &i.tenancy.tally.lent
	for _, pc := range i.arrived {
		lent.items--
		lent.bytes -= int(pc.bytes)
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
	if !full && in.mayFill(&t.tally, load{creditCalls, creditBytes}) || !in.budget.roomy() {
		return
	}
	in.withdraw(i)
	if !i.open {
		i.open, in.open = true, append(in.open, i)
	}
	i.tenancy, i.calls, i.bytes = t, creditCalls, in.budget.lend()
	t.tally.lent.items += i.calls
	t.tally.lent.bytes += int(i.bytes)
	in.blind = in.blind || full
}

// withdraw takes an inlet's credit back. The caller holds both locks, and the inlet is empty.
func (in *intake) withdraw(i *inlet) {
	if i.tenancy == nil {
		return
	}
	i.tenancy.tally.lent.items -= i.calls
	i.tenancy.tally.lent.bytes -= int(i.bytes)
	in.budget.takeBack(i.bytes)
	i.tenancy, i.calls, i.bytes = nil, 0, 0
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
		in.withdraw(i)
		i.open = false
		in.mu.Unlock()
		i.mu.Unlock()
	}
}
