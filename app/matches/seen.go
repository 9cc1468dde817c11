package matches

import (
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/mapping"
)

// Seen remembers when the rules last matched an event. Events pay nothing for it: whoever looks compares the counts
// with those of the last look, which is a minute ago at most. The zero value is ready for use.
type Seen struct {
	mu    sync.Mutex
	rules map[string]match
}

type match struct {
	count uint64
	last  time.Time
}

// Look notes which rules have matched since the last look, and gives when each last did.
func (m *Seen) Look(stats []mapping.RuleStats, now time.Time) map[string]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, last := make(map[string]match, len(stats)), make(map[string]time.Time, len(stats))
	for i := range stats {
		s := &stats[i]
		seen := m.rules[s.Rule]
		if s.Matched != seen.count {
			seen = match{s.Matched, now}
		}
		next[s.Rule], last[s.Rule] = seen, seen.last
	}
	m.rules = next
	return last
}
