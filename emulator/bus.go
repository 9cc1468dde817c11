package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
)

// A BusEvent is an event that somebody saw on the bus, and shows beside what arrived. The emulator has no bus.
type BusEvent struct {
	N     int             `json:"n"` // counts from 1
	Place string          `json:"place"`
	Event json.RawMessage `json:"event"` // a CloudEvent as JSON
}

// keptBusEvents is how many are kept.
const keptBusEvents = 1000

// ShowEvent keeps an event for the page, with the topic or subject on which it was seen.
func (s *Server) ShowEvent(place string, event json.RawMessage) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(event, &members) != nil || members == nil {
		return errors.New("event: want a CloudEvent, which is an object")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown++
	s.bus = append(s.bus, BusEvent{s.shown, place, bytes.Clone(event)})
	if len(s.bus) > keptBusEvents {
		s.bus = s.bus[1:]
	}
	return nil
}

// BusEvents returns the events that were shown and are kept, oldest first.
func (s *Server) BusEvents() []BusEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]BusEvent{}, s.bus...)
}

// controlEvents answers {"total":…,"events":[…]} with the latest events, oldest first.
func (s *Server) controlEvents(w http.ResponseWriter, r *http.Request) {
	limit, err := number(r, "limit", keptBusEvents)
	if err != nil || limit < 1 {
		controlError(w, http.StatusBadRequest, "limit must be a whole number, at least 1")
		return
	}
	events := s.BusEvents()
	total := 0
	if n := len(events); n > 0 {
		total = events[n-1].N
	}
	reply(w, map[string]any{"total": total, "events": events[max(0, len(events)-limit):]})
}

func (s *Server) controlShowEvent(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Place string          `json:"place"`
		Event json.RawMessage `json:"event"`
	}
	err := decode(w, r, &given)
	if err == nil {
		err = s.ShowEvent(given.Place, given.Event)
	}
	if err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, struct{}{})
}
