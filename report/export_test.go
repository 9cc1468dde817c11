package report

import "time"

// Divide makes groups small, and so is what is known at once of what a target holds.
func (r *Runner) Divide(group, held int) { r.group, r.held = group, held }

// SetClock gives the runner a clock on the wall that can be set.
func (r *Runner) SetClock(now func() time.Time) { r.now = now }
