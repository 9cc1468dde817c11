package reporttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/report"
)

// A World is what outlives processes.
type World struct {
	mu     sync.Mutex
	events []cloudevent.Event
	state  map[string][]byte
	leader chan struct{} // holds a value while somebody leads

	reads    int
	lastRead time.Time

	// Largest is the size of the largest row that the target takes; 0 means any.
	Largest int
	// Told is told of all rows that a reader handed on, and Letters are the dead letters by their ids.
	Told    map[Key]string
	Letters map[string]report.Letter
	// Puts counts what was stored, by key.
	Puts map[string]int
}

// A Key is what a row is about.
type Key struct {
	Object string
	Window report.Window
}

// NewWorld is one in which nothing has happened.
func NewWorld() *World {
	return &World{
		state: map[string][]byte{}, leader: make(chan struct{}, 1), Told: map[Key]string{},
		Letters: map[string]report.Letter{}, Puts: map[string]int{},
	}
}

// Events are those that were published, in their order.
func (w *World) Events() []cloudevent.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// Timing says when a call that fails takes effect.
type Timing int

// The timings. Late is just before report.Settle has passed.
const (
	Never Timing = iota
	Before
	Late
)

// Effect says what a fault does beside the failure of the call.
type Effect int

// The effects: nothing, the end of the process, or of its right to run reports.
const (
	Fail Effect = iota
	Kill
	Depose
)

// A Fault happens at the call with the number At, from 1.
type Fault struct {
	At     int
	Timing Timing
	Effect Effect
}

// Errors of calls.
var (
	ErrFault = errors.New("the call has failed")
	errDead  = errors.New("the process is dead")
)

// A Process uses a world. It is a report.Store and a report.Target.
type Process struct {
	World *World
	Fault Fault
	kill  context.CancelFunc

	// Guarded by the lock of the world.
	calls  int
	dead   bool
	depose context.CancelFunc
}

// Process begins one. Kill is how it dies.
func (w *World) Process(f Fault, kill context.CancelFunc) *Process {
	return &Process{World: w, Fault: f, kill: kill}
}

// Calls is how many calls the process has made.
func (p *Process) Calls() int {
	p.World.mu.Lock()
	defer p.World.mu.Unlock()
	return p.calls
}

// do makes a call. Parts are what it does, in their order.
func (p *Process) do(ctx context.Context, parts ...func()) error {
	w := p.World
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead {
		return errDead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.calls++
	if p.calls != p.Fault.At {
		for _, part := range parts {
			part()
		}
		return nil
	}
	for i, part := range parts {
		switch late := p.Fault.Timing == Late; {
		case p.Fault.Timing == Before, late && 2*i+1 < len(parts):
			part()
		case late:
			time.AfterFunc(report.Settle-time.Millisecond, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				part()
			})
		}
	}
	switch p.Fault.Effect {
	case Kill:
		w.lastRead = time.Time{}
		p.dead = true
		p.kill()
	case Depose:
		w.lastRead = time.Time{}
		if p.depose != nil {
			p.depose()
		}
	case Fail:
	}
	return ErrFault
}
