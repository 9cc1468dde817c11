package ledger

import "time"

// SetGrace sets how long another's intent may yet get an outcome.
func (s *Sender) SetGrace(d time.Duration) { s.grace = d }
