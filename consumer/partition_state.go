package consumer

import "time"

// PartitionState says how this replica reads one partition.
type PartitionState struct {
	Topic     string // or stream
	Partition int32
	// State is what the partition is at, in a word or a few: such as reading, standby, or stopped and why.
	State string

	// What follows is known while the partition is read; Known says so.
	Known    bool
	Offset   int64 // the first that is not finished, or the next one
	Lag      int64 // offsets from there to the end of the log, as far as this replica knows
	InFlight int   // messages at Offset or past it that are handed over, finished or not
	// Oldest is how long the oldest unfinished message has been in hand; 0 when none is.
	Oldest time.Duration
}

// Describe takes over what the tracker of the partition knows.
func (s *PartitionState) Describe(t *Tracker, now time.Time) {
	n, oldest := t.InFlight()
	s.Known, s.Offset, s.InFlight, s.Oldest = true, t.Committable(), n, 0
	if n > 0 {
		s.Oldest = max(0, now.Sub(oldest))
	}
}
