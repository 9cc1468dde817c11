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
	states map[letterKey]state
	again  map[letterKey]int  // the attempts of letters that have failed again in the same way
	older  map[event.ID]state // resolutions that do not say of which event: they settle the letters of that identity before them
	names  names

	unreadable int // records that are damaged or of someone else
	written    int // letters, including those that were written again
}

// letterKey tells letters apart. Two events may make the same call, such as one that was published twice; each keeps its letter.
type letterKey struct{ id, event event.ID }

// state is the newest record about a letter.
type state struct {
	at      Position
	nth     int32 // of the record's letters
	written int64 // unix nanoseconds

	open      bool
	matches   bool // the filter wants it
	truncated bool

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
	f := newFold(filter)
	err := log.Scan(ctx, func(r Record) error {
		f.add(r)
		return nil
	})
	f.finish()
	return f, err
}

func newFold(filter *Filter) *fold {
	return &fold{filter: filter, states: map[letterKey]state{}, again: map[letterKey]int{}, older: map[event.ID]state{}}
}

// add takes one record into account. The records of a partition come in order; those of several partitions in any.
func (f *fold) add(r Record) {
	letters, res, err := Decode(r)
	switch {
	case err != nil:
		f.unreadable++
	case res != nil:
		f.resolve(res, state{at: r.Position, written: nanos(r.Time)})
	}
	filter := f.filter.once()
	for i, l := range letters {
		f.written++
		s := state{
			at: r.Position, nth: int32(i), written: nanos(r.Time), open: true, matches: filter == nil || filter.Match(l), truncated: l.Truncated != nil,
			first:  nanos(l.Failure.First),
			origin: place{f.names.number(l.Message.Origin.Topic), l.Message.Origin.Partition, l.Message.Origin.Offset},
			reason: f.names.number(string(l.Failure.Reason)), rule: f.names.number(l.Failure.Rule),
		}
		key := letterKey{l.ID(), l.EventID}
		// A letter that was truncated is no reason to give up one of the same call that is whole.
		if old := f.states[key]; !(s.truncated && old.open && !old.truncated) {
			newer(f.states, key, s)
		}
	}
}

// resolve takes a resolution into account.
func (f *fold) resolve(res *Resolution, s state) {
	for i, id := range res.Letters {
		key := letterKey{id, res.EventID}
		switch {
		case res.Kind == FailedAgain:
			f.again[key] = max(f.again[key], res.Attempts[i])
		case res.EventID.IsZero():
			newer(f.older, id, s)
		default:
			newer(f.states, key, s)
		}
	}
}

// finish settles what resolutions speak of that do not say of which event.
func (f *fold) finish() {
	used := map[event.ID]bool{}
	for key := range f.states {
		if s, ok := f.older[key.id]; ok {
			used[key.id] = true
			newer(f.states, key, s)
		}
	}
	for id, s := range f.older {
		if !used[id] {
			f.states[letterKey{id: id}] = s
		}
	}
}

// newer keeps the newer of two records about a letter. In one partition that is the later one; records about one letter stand in
// different partitions only when the topic was given more of them in between, and then their times decide.
func newer[K comparable](states map[K]state, key K, s state) {
	if old, known := states[key]; known {
		older := s.written < old.written
		if s.at.Partition == old.at.Partition {
			older = s.at.Offset < old.at.Offset
		}
		if older {
			return
		}
	}
	states[key] = s
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
