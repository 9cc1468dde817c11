package ledger

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// maxRivals is how often a record may be another's before a call is put off.
const maxRivals = 4

// claim stores the intent to send a call, unless what is known settles the call.
func (s *Sender) claim(ctx context.Context, call *event.Call) (claim Record, settled *event.Outcome, err error) {
	known, err := s.store.Get(ctx, call.ID)
	for range maxRivals {
		if err != nil {
			return Record{}, nil, err
		}
		if settled := s.settles(call, known); settled != nil {
			return Record{}, settled, nil
		}
		claim = known.Follow(Intent, s.owner, time.Now())
		if known, err = s.store.Put(ctx, call.ID, known, claim); err == nil && known.Is(claim) {
			return known, nil, nil
		}
	}
	put := later(movingPause)
	return Record{}, &put, err
}

// settles is what is known of a call, and nil where it may be sent.
func (s *Sender) settles(call *event.Call, known Record) *event.Outcome {
	now := time.Now()
	switch {
	case known.State == Sent:
		s.metrics.known.Inc()
		return &event.Outcome{Result: event.Delivered, Unheard: true}
	case known.State == Uncertain:
		return uncertain(call, detailCutOff)
	case known.State == Intent && known.Owner != s.owner:
		age := now.Sub(known.At) // by two clocks
		if age > -s.grace && age < s.grace {
			return &event.Outcome{NotBefore: known.At.Add(s.grace)}
		}
		s.metrics.uncertain.Inc()
		return uncertain(call, detailDied)
	case known.State == Unknown && s.forgotten(call.ID):
		s.metrics.uncertain.Inc()
		return uncertain(call, detailForgotten)
	}
	return nil
}

// forgotten reports whether a call may have been sent so long ago that its record is gone.
func (s *Sender) forgotten(id event.ID) bool {
	ms := millis(id)
	return ms > 0 && time.UnixMilli(int64(ms)).Before(s.store.Forgotten())
}
