package deadletter

import (
	"context"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// index is what reading a log once tells: for each letter, the newest record about it. It keeps about two hundred bytes
// of a letter, however large the letter is.
//
// It is built by addRecord for each record and by applyOlder at the end, and only read after that.
type index struct {
	filter   *Filter // nil matches all
	entries  map[letterKey]entry
	attempts map[letterKey]int // the attempts of letters that have failed again in the same way

	// older are resolutions that do not say of which event: they resolve the letters of that identity before them.
	older map[event.ID]entry

	texts textTable

	err error // the first of the filter

	unreadable int // records that are damaged or of someone else
	written    int // letters, including those that were written again
}

// letterKey tells letters apart. Two events may make the same call, such as one that was published twice; each keeps
// its letter.
type letterKey struct{ id, event event.ID }

// entry is the newest record about a letter.
type entry struct {
	at      Position
	nth     int32 // of the record's letters
	written int64 // unix nanoseconds

	open      bool
	matches   bool // the filter wants it
	truncated bool

	origin indexedOrigin
	first  int64 // when the call first failed, in unix nanoseconds
	reason uint32
	rule   uint32
}

// indexedOrigin is an event.Origin whose topic is a number of the textTable.
type indexedOrigin struct {
	topic     uint32
	partition int32
	offset    int64
}

// textTable numbers texts that occur again and again, so that an entry holds four bytes of each.
type textTable struct {
	numbers map[string]uint32
	texts   []string
}

func (n *textTable) number(s string) uint32 {
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

// readIndex reads the log from its start to the end that stood when it began.
func readIndex(ctx context.Context, log Reader, filter *Filter) (*index, error) {
	x := newIndex(filter)
	err := log.Scan(ctx, func(r Record) error {
		x.addRecord(r)
		return x.err
	})
	x.applyOlder()
	return x, err
}

func newIndex(filter *Filter) *index {
	return &index{
		filter: filter, entries: map[letterKey]entry{}, attempts: map[letterKey]int{}, older: map[event.ID]entry{},
	}
}

// addRecord takes one record into account. The records of a partition come in their order, and the partitions in any.
func (x *index) addRecord(r Record) {
	letters, res, err := Decode(r)
	switch {
	case err != nil:
		x.unreadable++
	case res != nil:
		x.addResolution(res, entry{at: r.Position, written: nanos(r.Time)})
	}
	filter := x.filter.once()
	for i, l := range letters {
		x.written++
		matches := true
		if filter != nil && x.err == nil {
			matches, x.err = filter.Match(l)
		}
		origin := &l.Message.Origin
		s := entry{
			at: r.Position, nth: int32(i), written: nanos(r.Time),
			open: l.Failure.Reason != event.ReasonErased, matches: matches,
			truncated: l.Truncated != nil || l.Sealed != "",
			first:     nanos(l.Failure.First),
			origin:    indexedOrigin{x.texts.number(origin.Topic), origin.Partition, origin.Offset},
			reason:    x.texts.number(string(l.Failure.Reason)), rule: x.texts.number(l.Failure.Rule),
		}
		key := letterKey{l.ID(), l.EventID}
		// A letter that was truncated is no reason to give up one of the same call that is whole.
		if old := x.entries[key]; !(s.truncated && old.open && !old.truncated) {
			keepNewer(x.entries, key, s)
		}
	}
}

// addResolution takes a resolution into account.
func (x *index) addResolution(res *Resolution, s entry) {
	for i, id := range res.Letters {
		key := letterKey{id, res.EventID}
		switch {
		case res.Kind == FailedAgain:
			x.attempts[key] = max(x.attempts[key], res.Attempts[i])
		case res.EventID.IsZero():
			keepNewer(x.older, id, s)
		default:
			keepNewer(x.entries, key, s)
		}
	}
}

// applyOlder applies the resolutions of older versions, which name a letter and not its event: each resolves the
// letters of that identity that stand before it.
func (x *index) applyOlder() {
	used := map[event.ID]bool{}
	for key := range x.entries {
		if s, ok := x.older[key.id]; ok {
			used[key.id] = true
			keepNewer(x.entries, key, s)
		}
	}
	for id, s := range x.older {
		if !used[id] {
			x.entries[letterKey{id: id}] = s
		}
	}
}

// keepNewer keeps the newer of two records about a letter. Within a partition that is the later one. Records about one
// letter stand in different partitions only if the topic was given more partitions in between; then the newer time
// wins.
func keepNewer[K comparable](entries map[K]entry, key K, s entry) {
	if old, known := entries[key]; known {
		older := s.written < old.written
		if s.at.Partition == old.at.Partition {
			older = s.at.Written() < old.at.Written()
		}
		if older {
			return
		}
	}
	entries[key] = s
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
