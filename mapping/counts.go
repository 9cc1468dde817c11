package mapping

import "sync/atomic"

// counts is what a rule has done. Each event counts in one of several stripes, a line of the processor's cache each: events are mapped on
// several cores, which would otherwise wait for each other at every rule.
type counts [4]stripe

type stripe struct {
	matched, skipped, calls, failed atomic.Uint64

	_ [32]byte
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
	}
	return out
}
