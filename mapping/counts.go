package mapping

import (
	"sync/atomic"
	"time"
)

// counts is what a rule has done. Each event counts in one of several stripes, a line of the processor's cache each:
// events are mapped on several cores, which would otherwise wait for each other at every rule.
type counts [4]stripe

type stripe struct {
	matched, skipped, calls, failed, timedOut atomic.Uint64
	longest                                   atomic.Int64 // nanoseconds
	behind, ahead                             atomic.Uint64
}

// clockSkew is how far a timestamp may be from the record's time before it is counted: clocks differ, and records are
// on their way for a while.
const clockSkew = time.Minute

// stamped counts the timestamp of an identify that lies far from the time of the event's record.
func (s *stripe) stamped(t moment, record time.Time) {
	switch since := time.Duration(t.ms-millis(record)) * time.Millisecond; {
	case record.IsZero():
	case since > clockSkew:
		s.ahead.Add(1)
	case since < -clockSkew:
		s.behind.Add(1)
	}
}

// overran counts an event for which a program of the rule ran into its time limit.
func (s *stripe) overran(took time.Duration) {
	s.timedOut.Add(1)
	for longest := s.longest.Load(); int64(took) > longest && !s.longest.CompareAndSwap(longest, int64(took)); {
		longest = s.longest.Load()
	}
}

// stats adds the stripes up.
func (c *counts) stats(rule string) RuleStats {
	out := RuleStats{Rule: rule}
	for i := range c {
		s := &c[i]
		out.Matched += s.matched.Load()
		out.Skipped += s.skipped.Load()
		out.Calls += s.calls.Load()
		out.Failed += s.failed.Load()
		out.TimedOut += s.timedOut.Load()
		out.Behind += s.behind.Load()
		out.Ahead += s.ahead.Load()
		out.Longest = max(out.Longest, time.Duration(s.longest.Load()))
	}
	return out
}
