package deadletter

import (
	"cmp"
	"context"
	"slices"
)

// chosen is an open letter that a filter wants.
type chosen struct {
	letterKey
	state    state
	attempts int // that are counted beside the letter
}

// choose returns the open letters that the fold's filter wants, in the order of a replay.
//
// That is the order of the log, except that the letters of one source partition stand in the order of their events: a letter that
// was written again stands at the end of the log, and a call may fail before one of an earlier event does. Each letter of a
// partition takes one of the places that its partition has in the log, the earliest event the first.
func (f *fold) choose() []chosen {
	list := make([]chosen, 0, len(f.states))
	for key, s := range f.states {
		if s.open && s.matches {
			list = append(list, chosen{key, s, f.again[key]})
		}
	}
	slices.SortFunc(list, func(a, b chosen) int {
		return cmp.Or(cmp.Compare(a.state.at.Partition, b.state.at.Partition), cmp.Compare(a.state.at.Offset, b.state.at.Offset),
			cmp.Compare(a.state.nth, b.state.nth))
	})
	type source struct {
		topic     uint32
		partition int32
	}
	of := func(c chosen) source { return source{c.state.origin.topic, c.state.origin.partition} }
	waiting := map[source][]chosen{}
	for _, c := range list {
		waiting[of(c)] = append(waiting[of(c)], c)
	}
	for _, letters := range waiting {
		slices.SortStableFunc(letters, func(a, b chosen) int { return cmp.Compare(a.state.origin.offset, b.state.origin.offset) })
	}
	for i, c := range list {
		s := of(c)
		list[i], waiting[s] = waiting[s][0], waiting[s][1:]
	}
	if f.filter != nil && f.filter.Limit > 0 && len(list) > f.filter.Limit {
		list = list[:f.filter.Limit]
	}
	return list
}

// letterReader reads letters one by one. The record of the last one is kept, so that the letters of one record share it.
type letterReader struct {
	log     Reader
	at      Position
	letters []*Letter // of the record that stands there
}

// read gets a chosen letter from the log.
func (r *letterReader) read(ctx context.Context, c *chosen) (*Letter, error) {
	if r.letters == nil || r.at != c.state.at {
		record, err := r.log.Read(ctx, c.state.at)
		if err != nil {
			return nil, err
		}
		letters, _, err := Decode(record)
		if err != nil {
			return nil, err
		}
		r.at, r.letters = c.state.at, letters
	}
	for _, l := range r.letters {
		if l.ID() == c.id && l.EventID == c.event {
			counted := *l
			counted.Failure.Attempts = max(l.Failure.Attempts, c.attempts)
			return &counted, nil
		}
	}
	return nil, ErrGone
}
