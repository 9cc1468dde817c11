package delivery

import (
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
)

// Condition says how the destination is doing, as far as the last requests tell.
type Condition string

const (
	// OK means that requests flow.
	OK Condition = "ok"
	// BackingOff means that the destination fails and is left alone between single attempts.
	BackingOff Condition = "backing_off"
	// Halted means that no request can succeed until somebody mends credentials, region or path.
	Halted Condition = "halted"
)

// rank orders conditions, the worst last.
func (c Condition) rank() int { return slices.Index([]Condition{OK, BackingOff, Halted}, c) }

// State is the destination's condition and how it came to it.
type State struct {
	Condition Condition
	Cause     customerio.Cause // what the last failure was; empty when all is well
	Status    int              // the HTTP status of that failure; 0 where no answer came
	Failures  int              // failed requests since the condition was last ok
	Since     time.Time        // when the condition was last ok, or since when it is
	RetryAt   time.Time        // when the next request may go; zero when all is well, or while it is held
}

// A Report says how a destination is doing.
type Report struct {
	Workspace string // its name; empty for the first
	Endpoint  customerio.Endpoint
	URL       string // the root of its requests
	State
	Held     bool      // nothing is sent there until its workspace is proven
	Accepted time.Time // when it last accepted a request; zero before the first
}

// Reports tell of every destination, by workspace and endpoint.
func (s *Sender) Reports() (list []Report) {
	for _, d := range s.to {
		if d != nil {
			list = append(list, d.report())
		}
	}
	return list
}

// State says how the destination is doing that does worst.
func (s *Sender) State() State { return Worst(s.Reports()) }

// Worst is the worst of the states that some reports tell of.
func Worst(reports []Report) State {
	worst := State{Condition: OK}
	for _, r := range reports {
		if worst.Since.IsZero() || r.Condition.rank() > worst.Condition.rank() {
			worst = r.State
		}
	}
	return worst
}
