package deadletter

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Summary counts the letters of a log.
type Summary struct {
	Open       int // letters that need something
	Resolved   int // letters that are delivered, replaced or discarded
	Written    int // letters that stand in the log; more than Open and Resolved where letters were written again
	Truncated  int // open letters that cannot be replayed, because they were too large to be kept whole
	Unreadable int // records that are damaged or of someone else

	// Of the open letters: how many there are of each, and when the first and the last of them failed.
	ByReason map[event.Reason]int
	ByRule   map[string]int // "" is for events that failed before any rule
	ByTopic  map[string]int // of the original record
	Oldest   time.Time
	Newest   time.Time
}

// Stats counts the letters of a log.
func Stats(ctx context.Context, log Reader) (Summary, error) {
	x, err := readIndex(ctx, log, nil)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{
		Written: x.written, Unreadable: x.unreadable,
		ByReason: map[event.Reason]int{}, ByRule: map[string]int{}, ByTopic: map[string]int{},
	}
	for _, st := range x.entries {
		if !st.open {
			s.Resolved++
			continue
		}
		s.Open++
		if st.truncated {
			s.Truncated++
		}
		s.ByReason[event.Reason(x.texts.texts[st.reason])]++
		s.ByRule[x.texts.texts[st.rule]]++
		s.ByTopic[x.texts.texts[st.origin.topic]]++
		first := time.Unix(0, st.first).UTC()
		if s.Oldest.IsZero() || first.Before(s.Oldest) {
			s.Oldest = first
		}
		if first.After(s.Newest) {
			s.Newest = first
		}
	}
	return s, nil
}
