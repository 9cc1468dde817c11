package consumer

import "github.com/ciobridge/ciobridge/internal/mistake"

// GapPolicy says what happens where a broker has discarded what was not read: its retention or somebody's purge was
// faster.
type GapPolicy string

const (
	// GapStop stops reading there until an operator has decided. It is the default.
	GapStop GapPolicy = "stop"
	// GapSkip goes on at the first message that is left. What is lost is counted and logged.
	GapSkip GapPolicy = "skip"
)

// Validate reports a policy that is neither of the two.
func (p GapPolicy) Validate() error {
	if p != GapStop && p != GapSkip {
		return mistake.Of("on_gap: is neither stop nor skip")
	}
	return nil
}
