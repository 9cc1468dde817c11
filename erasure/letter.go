package erasure

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Earlier reports whether a call is about somebody who was erased, and of an event earlier than that: one that is never
// sent.
func (s *Sender) Earlier(c *event.Call) bool {
	if c.About == nil {
		return false
	}
	at := placeOf(c)
	for _, d := range s.digests(c) {
		if fence, known := s.fences.get(d); known && at.to(fence.Erased, s.opts.Skew) == earlier {
			return true
		}
	}
	return false
}

// EarlierOf is Earlier for a message of which no call could be made, and whose identifiers are therefore guessed: each
// has its kind before it, in the workspace of a destination.
func (s *Sender) EarlierOf(m *event.Message, guessed []string, d event.Destination) bool {
	return s.Earlier(&event.Call{
		Step:  &event.Step{Destination: d},
		About: &event.About{Persons: guessed, Origin: m.Origin, Time: m.Time, Stored: m.Time},
	})
}

// Purged tells of letters of erased people that were removed.
type Purged struct {
	At          time.Time
	Letters     int
	Resolutions int
	Shared      int // that stay, because letters of others stand in the same records
}

// PurgedType is the type of the event that a Purged is.
const PurgedType = "ciobridge.letters.purged"

// CloudEvent is what was purged as a CloudEvent in JSON, under an id of its own.
func (p *Purged) CloudEvent(id string) ([]byte, error) {
	return cloudEvent(id, PurgedType, p.At, struct {
		Letters     int `json:"letters"`
		Resolutions int `json:"resolutions"`
		Shared      int `json:"left_shared"`
	}{p.Letters, p.Resolutions, p.Shared})
}
