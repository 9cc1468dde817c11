package deadletter

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Letter is a dead letter as it was read from the log: one failed call, or an event that could not be read. The letters
// of one record share its memory.
type Letter struct {
	Message event.Message
	Failure event.Failure

	EventID    event.ID    // shared by all letters of one event
	ConfigHash string      // of the configuration under which the call failed
	Truncated  *Truncation // nil where the original record is whole
	Position   Position    // where the letter stands in the dead-letter log
	Written    time.Time
}

// ID is the identity of the letter: that of the call, which stays the same when the call fails again.
func (l *Letter) ID() event.ID { return l.Failure.ID }
