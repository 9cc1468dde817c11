package deadletter

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// fold is what a log amounts to: per letter, the newest record about it. It keeps about two hundred bytes a letter, whatever the
// letters hold.
type fold struct {
	filter *Filter // nil matches all
	states map[event.ID]state
	names  names

	unreadable int // records that are damaged or of someone else
	written    int // letters, including those that were written again
}

// state is the newest record about a letter.
type state struct {
	at      Position
	nth     int32 // of the record's letters
	written int64 // unix nanoseconds

	open    bool
	matches bool // the filter wants it
	cut     bool

	event  event.ID
	origin place
	first  int64 // when the call first failed, in unix nanoseconds
	reason uint32
	rule   uint32
}

// place is an event.Origin with a name in place of its texts.
type place struct {
	topic     uint32
	partition int32
	offset    int64
}

// names gives texts that repeat a number.
type names struct {
	numbers map[string]uint32
	texts   []string
}

func (n *names) number(s string) uint32 {
	if i, ok := n.numbers[s]; ok {
		return i
	}
	if n.numbers == nil {
		n.numbers = map[string]uint32{}
	}
	i := uint32(len(n.texts))
	n.numbers[s] = i
	n.texts = append(n.texts, s)
	return i
}

// foldLog reads the log from its start to the end that stood when it began.
func foldLog(ctx context.Context, log Reader, filter *Filter) (*fold, error) {
	f := &fold{filter: filter, states: map[event.ID]state{}}
	err := log.Scan(ctx, func(r Record) error {
		f.add(r)
		return nil
	})
	return f, err
}

// add takes one record into account. The records of a partition come in order; those of several partitions in any.
func (f *fold) add(r Record) {
	letters, res, err := Decode(r)
	switch {
	case err != nil:
		f.unreadable++
	case res != nil:
		for _, id := range res.Letters {
			f.put(id, state{at: r.Position, written: nanos(r.Time)})
		}
	}
	for i, l := range letters {
		f.written++
		f.put(l.ID(), state{
			at: r.Position, nth: int32(i), written: nanos(r.Time), open: true, matches: f.filter == nil || f.filter.Match(l), cut: l.Cut != nil,
			event: l.EventID, first: nanos(l.Failure.First),
			origin: place{f.names.number(l.Message.Origin.Topic), l.Message.Origin.Partition, l.Message.Origin.Offset},
			reason: f.names.number(string(l.Failure.Reason)), rule: f.names.number(l.Failure.Rule),
		})
	}
}

// put keeps the newer of two records about a letter. In one partition that is the later one; records about one letter stand in
// different partitions only when the topic was given more of them in between, and then their times decide.
func (f *fold) put(id event.ID, s state) {
	old, known := f.states[id]
	if known {
		older := s.written < old.written
		if s.at.Partition == old.at.Partition {
			older = s.at.Offset < old.at.Offset
		}
		if older {
			return
		}
	}
	f.states[id] = s
}

// nanos is time.Time.UnixNano where that is defined, and its nearest bound elsewhere.
func nanos(t time.Time) int64 {
	const last = 1<<63 - 1
	switch {
	case t.Year() < 1678:
		return -last
	case t.Year() > 2261:
		return last
	}
	return t.UnixNano()
}
