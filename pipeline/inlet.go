package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// An inlet is where messages of a partition enter the intake. What it was lent room for it takes without asking, so that readers of
// different partitions stop each other only now and then. The order in which messages enter is one for all inlets.
type inlet struct {
	mu         sync.Mutex
	assignment *assignment // whose messages it takes on credit; nil without any
	share      *share      // of the partition whose messages it takes
	since      time.Duration
	calls      int   // that it still takes
	bytes      int64 // that it still takes
	open       bool  // it is among the intake's open ones; subject by the intake's lock

	_ [72]byte // to the end of the second line of the processor's cache, so that neighbours do not share one
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

// take takes a message if there is credit for it. The caller holds i.mu.
func (i *inlet) take(lease context.Context, msg *message) bool {
	if i.calls == 0 || i.bytes < msg.bytes || len(msg.calls) != 1 || msg.urgent ||
		i.assignment.lease != lease || i.share.key != keyOf(&msg.Origin) {
		return false
	}
	i.calls--
	i.bytes -= msg.bytes
	msg.assignment, msg.share, msg.arrived = i.assignment, i.share, i.since
	return true
}

// lend gives an inlet credit for what follows a message, unless there is little room, or what it takes could fill a request for which
// nobody would be woken. The caller holds both locks, and the inlet has no credit.
func (in *intake) lend(i *inlet, msg *message) {
	t := msg.assignment
	full := in.fills(&t.tally, 1)
	if !full && in.mayFill(&t.tally, load{creditCalls, creditBytes}) || !in.budget.roomy() {
		return
	}
	if !i.open {
		i.open, in.open = true, append(in.open, i)
	}
	i.assignment, i.share, i.since = t, msg.share, t.since
	i.calls, i.bytes = creditCalls, in.budget.lend(msg.share, creditCalls)
	t.tally.lent.change(i.calls, i.bytes)
	in.all.lent.change(i.calls, i.bytes)
	in.blind = in.blind || full
}

// withdraw takes an inlet's credit back, and counts what came on it. The caller holds both locks.
func (in *intake) withdraw(i *inlet) {
	t := i.assignment
	if t == nil {
		return
	}
	for _, of := range []*tally{&t.tally, &in.all} {
		of.lent.change(-creditCalls, -in.budget.credit())
		of.arrived.change(creditCalls-i.calls, in.budget.credit()-i.bytes)
	}
	if !t.behind && i.calls < creditCalls {
		in.follow(t)
	}
	in.budget.takeBack(i.share, i.calls, i.bytes)
	i.assignment, i.share, i.calls, i.bytes = nil, nil, 0, 0
}

// withdrawAll takes all credit back: whoever comes next asks, and sees whether a sender is to be woken.
func (in *intake) withdrawAll() {
	in.mu.Lock()
	open := in.open
	in.open, in.blind = nil, false
	in.mu.Unlock()
	for _, i := range open {
		i.mu.Lock()
		in.mu.Lock()
		in.withdraw(i)
		i.open = false
		in.mu.Unlock()
		i.mu.Unlock()
	}
}
