package limits

import (
	"time"
)

// TimeLimit is how long one run of a program may compute.
const TimeLimit = 10 * time.Millisecond

// Limits of a program and of one run of it.
const (
	MaxProgram  = 16 << 10  // bytes of a program
	MaxBrackets = 256       // brackets of a program inside each other
	MaxPath     = 1000      // steps of a path
	MaxOutput   = 256 << 10 // bytes of all outputs of one run
	MaxOutputs  = 10_000    // outputs of one run
)

// Meter holds the outputs of a run to their limits.
type Meter struct{ outputs, bytes int }

// Count counts an output of so many bytes, or fails where the run has given too much.
func (m *Meter) Count(bytes int) error {
	m.outputs++
	m.bytes += bytes
	if m.outputs > MaxOutputs || m.bytes > MaxOutput {
		return ErrTooMuch
	}
	return nil
}
