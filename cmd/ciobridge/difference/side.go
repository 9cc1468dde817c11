package difference

import (
	"errors"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// side is what one set of rules makes of all records.
type side struct {
	Hash     string `json:"config_hash"`
	Calls    int    `json:"calls"`
	Letters  int    `json:"dead_letters"`
	Requests int    `json:"requests"` // at least, where batches are full

	rules   *mapping.Rules
	people  map[event.Lane]bool
	batched map[event.Destination]load
	singles int
}

type load struct{ calls, bytes int }

func newSide(rules *mapping.Rules) *side {
	return &side{Hash: rules.Hash(), rules: rules, people: map[event.Lane]bool{}, batched: map[event.Destination]load{}}
}

// mapOne maps a record. A panic, whose text may quote the event, ends as an error.
func (s *side) mapOne(m event.Message) (calls []event.Call, failures []event.Failure, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a fault of the program: this record cannot be mapped; please report it with the rules")
		}
	}()
	calls, failures = s.rules.Map(&m)
	s.Calls, s.Letters = s.Calls+len(calls), s.Letters+len(failures)
	for i := range calls {
		c := &calls[i]
		if c.Single != nil {
			s.singles++
			continue
		}
		l := s.batched[c.Destination()]
		s.batched[c.Destination()] = load{l.calls + 1, l.bytes + c.Size()}
	}
	return calls, failures, nil
}

// requests is how many requests carry the calls at least.
func (s *side) requests() int {
	n := s.singles
	for _, l := range s.batched {
		bySize := (l.bytes + customerio.MaxBatchBytes - 1) / customerio.MaxBatchBytes
		n += max((l.calls+customerio.MaxBatchItems-1)/customerio.MaxBatchItems, bySize)
	}
	return n
}
