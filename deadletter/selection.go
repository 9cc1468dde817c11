package deadletter

import (
	"cmp"
	"context"
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// Selection is what a filter selects of a log.
type Selection struct {
	Open       int        // open letters, selected or not
	Unreadable int        // records that are damaged or of someone else
	Letters    []Selected // in the order of a replay
}

// Selected is an open letter that a filter selects. It tells where the letter stands, and is read with a LetterReader.
type Selected struct {
	letterKey
	entry    entry
	attempts int // that are counted beside the letter
}

// EventID is the identity of the letter's event.
func (s *Selected) EventID() event.ID { return s.event }

// Select scans the log and selects the open letters that the filter wants.
func Select(ctx context.Context, log Reader, filter *Filter) (Selection, error) {
	x, err := readIndex(ctx, log, filter)
	if err != nil {
		return Selection{}, err
	}
	s := Selection{Unreadable: x.unreadable, Letters: x.selectLetters()}
	for _, e := range x.entries {
		if e.open {
			s.Open++
		}
	}
	return s, nil
}

// selectLetters returns the open letters that the filter of the index wants, in the order of a replay.
//
// That is the order of the log, with one exception: the letters of one source partition are put in the order of their
// events. In the log they may stand otherwise, because a letter that was written again stands at the end, and because a
// later event may fail before an earlier one. The places that the letters of a partition have in the log stay the same;
// the earliest event gets the first of them.
func (x *index) selectLetters() []Selected {
	list := make([]Selected, 0, len(x.entries))
	for key, s := range x.entries {
		if s.open && s.matches {
			list = append(list, Selected{key, s, x.attempts[key]})
		}
	}
	slices.SortFunc(list, func(a, b Selected) int {
		return cmp.Or(
			cmp.Compare(a.entry.at.Partition, b.entry.at.Partition),
			cmp.Compare(a.entry.at.Written(), b.entry.at.Written()),
			cmp.Compare(a.entry.nth, b.entry.nth),
		)
	})
	type source struct {
		topic     uint32
		partition int32
	}
	of := func(c Selected) source { return source{c.entry.origin.topic, c.entry.origin.partition} }
	waiting := map[source][]Selected{}
	for _, c := range list {
		waiting[of(c)] = append(waiting[of(c)], c)
	}
	for _, letters := range waiting {
		slices.SortStableFunc(letters, func(a, b Selected) int {
			return cmp.Compare(a.entry.origin.offset, b.entry.origin.offset)
		})
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

// LetterReader reads letters one by one. It keeps the record of the last one, because the next letter is often of the
// same record.
type LetterReader struct {
	log     Reader
	at      Position
	letters []*Letter // of the record that stands there
}

// NewLetterReader reads letters of the log.
func NewLetterReader(log Reader) *LetterReader { return &LetterReader{log: log} }

// Read gets a selected letter from the log. It returns ErrGone when retention has taken it away.
func (r *LetterReader) Read(ctx context.Context, c *Selected) (*Letter, error) {
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
