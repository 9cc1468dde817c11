package deadletter

import (
	"cmp"
	"context"
	"slices"
)

// selected is an open letter that a filter wants.
type selected struct {
	letterKey
	entry    entry
	attempts int // that are counted beside the letter
}

// selectLetters returns the open letters that the filter of the index wants, in the order of a replay.
//
// That is the order of the log, except that the letters of one source partition stand in the order of their events: a letter that
// was written again stands at the end of the log, and a call may fail before one of an earlier event does. Each letter of a
// partition takes one of the places that its partition has in the log, the earliest event the first.
func (x *index) selectLetters() []selected {
	list := make([]selected, 0, len(x.entries))
	for key, s := range x.entries {
		if s.open && s.matches {
			list = append(list, selected{key, s, x.attempts[key]})
		}
	}
	slices.SortFunc(list, func(a, b selected) int {
		return cmp.Or(cmp.Compare(a.entry.at.Partition, b.entry.at.Partition), cmp.Compare(a.entry.at.Offset, b.entry.at.Offset),
			cmp.Compare(a.entry.nth, b.entry.nth))
	})
	type source struct {
		topic     uint32
		partition int32
	}
	of := func(c selected) source { return source{c.entry.origin.topic, c.entry.origin.partition} }
	waiting := map[source][]selected{}
	for _, c := range list {
		waiting[of(c)] = append(waiting[of(c)], c)
	}
	for _, letters := range waiting {
		slices.SortStableFunc(letters, func(a, b selected) int { return cmp.Compare(a.entry.origin.offset, b.entry.origin.offset) })
	}
	for i, c := range list {
		s := of(c)
		list[i], waiting[s] = waiting[s][0], waiting[s][1:]
	}
	if x.filter != nil && x.filter.Limit > 0 && len(list) > x.filter.Limit {
		list = list[:x.filter.Limit]
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
func (r *letterReader) read(ctx context.Context, c *selected) (*Letter, error) {
	if r.letters == nil || r.at != c.entry.at {
		record, err := r.log.Read(ctx, c.entry.at)
		if err != nil {
			return nil, err
		}
		letters, _, err := Decode(record)
		if err != nil {
			return nil, err
		}
		r.at, r.letters = c.entry.at, letters
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
