package deadletter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// List gives the open letters that the filter chooses, in the order in which a replay would take them. It scans the log first and
// then reads the letters one by one, so that its memory does not grow with their size. A letter that retention takes away in between
// is left out. An error is the last that it gives.
func List(ctx context.Context, log Reader, filter Filter) iter.Seq2[*Letter, error] {
	return func(yield func(*Letter, error) bool) {
		if err := filter.Validate(); err != nil {
			yield(nil, err)
			return
		}
		x, err := readIndex(ctx, log, &filter)
		if err != nil {
			yield(nil, err)
			return
		}
		letters := letterReader{log: log}
		for _, c := range x.selectLetters() {
			l, err := letters.read(ctx, &c)
			if errors.Is(err, ErrGone) {
				continue
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// discardBatch is how many letters are discarded by one write.
const discardBatch = 100

// ErrNote means that letters should be discarded without a note that says why.
var ErrNote = errors.New("say in a note why the letters are discarded")

// Discard settles the open letters that the filter chooses, with a note that says why nothing more is wanted of them, and returns
// how many are settled, also beside an error.
func Discard(ctx context.Context, store Store, filter Filter, note string) (int, error) {
	if printable(note, maxDetail) == "" {
		return 0, ErrNote
	}
	settled := 0
	var batch []Resolution
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := store.Resolve(ctx, batch...); err != nil {
			return err
		}
		settled, batch = settled+len(batch), nil
		return nil
	}
	for l, err := range List(ctx, store, filter) {
		if err != nil {
			return settled, err
		}
		batch = append(batch, l.Resolve(Discarded, note))
		if len(batch) == discardBatch {
			if err := flush(); err != nil {
				return settled, err
			}
		}
	}
	return settled, flush()
}

// History is all that a log says of one letter.
type History struct {
	Letters     []*Letter     // oldest first; one for each time that it was written
	Again       []*Resolution // each time that a replay failed in the same way, which is counted and not written again
	Resolutions []*Resolution // that settled it
	Open        bool
}

// ErrUnknownLetter means that a log has no letter of that identity.
var ErrUnknownLetter = errors.New("no such letter")

// Show gives what the log says of the letters of that identity: one for each event, which is mostly one, in the order in which they
// were first written. The attempts of the last letter are all that were counted. Show returns ErrUnknownLetter when there is none.
func Show(ctx context.Context, log Reader, id event.ID) ([]History, error) {
	var letters []*Letter
	var resolutions []*Resolution
	x := newIndex(nil)
	err := log.Scan(ctx, func(r Record) error {
		found, res, err := Decode(r)
		if err != nil {
			return nil // what cannot be read says nothing of this letter
		}
		before := len(letters) + len(resolutions)
		for _, l := range found {
			if l.ID() == id {
				letters = append(letters, l)
			}
		}
		if res != nil && slices.Contains(res.Letters, id) {
			resolutions = append(resolutions, res)
		}
		if len(letters)+len(resolutions) > before {
			x.addRecord(r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(letters) == 0 {
		return nil, fmt.Errorf("%s: %w", id, ErrUnknownLetter)
	}
	x.applyOlder()
	return x.histories(letters, resolutions), nil
}

// histories divides what a log says of the letters of one identity by their events.
func (x *index) histories(letters []*Letter, resolutions []*Resolution) []History {
	var histories []History
	index := map[event.ID]int{}
	for _, l := range letters {
		i, known := index[l.EventID]
		if !known {
			i = len(histories)
			index[l.EventID] = i
			histories = append(histories, History{Open: x.entries[letterKey{l.ID(), l.EventID}].open})
		}
		histories[i].Letters = append(histories[i].Letters, l)
	}
	for i := range histories {
		h := &histories[i]
		last := h.Letters[len(h.Letters)-1]
		for _, res := range resolutions {
			switch {
			case !res.about(last):
			case res.Kind == FailedAgain:
				h.Again = append(h.Again, res)
				last.Failure.Attempts = max(last.Failure.Attempts, res.AttemptsOf(last.ID()))
			default:
				h.Resolutions = append(h.Resolutions, res)
			}
		}
	}
	return histories
}

// Summary counts the letters of a log.
type Summary struct {
	Open       int // letters that need something
	Resolved   int // letters that are delivered, replaced or discarded
	Written    int // letters that stand in the log; more than Open and Resolved where letters were written again
	Truncated  int // open letters that cannot be replayed, because they were too large to be kept whole
	Unreadable int // records that are damaged or of someone else

	// Of the open letters: how many there are of each, and when the first and the last of them failed.
	ByReason map[event.Reason]int
	ByRule   map[string]int // "" is for events that failed before any rule
	ByTopic  map[string]int // of the original record
	Oldest   time.Time
	Newest   time.Time
}

// Stats counts the letters of a log.
func Stats(ctx context.Context, log Reader) (Summary, error) {
	x, err := readIndex(ctx, log, nil)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{
		Written: x.written, Unreadable: x.unreadable,
		ByReason: map[event.Reason]int{}, ByRule: map[string]int{}, ByTopic: map[string]int{},
	}
	for _, st := range x.entries {
		if !st.open {
			s.Resolved++
			continue
		}
		s.Open++
		if st.truncated {
			s.Truncated++
		}
		s.ByReason[event.Reason(x.texts.texts[st.reason])]++
		s.ByRule[x.texts.texts[st.rule]]++
		s.ByTopic[x.texts.texts[st.origin.topic]]++
		first := time.Unix(0, st.first).UTC()
		if s.Oldest.IsZero() || first.Before(s.Oldest) {
			s.Oldest = first
		}
		if first.After(s.Newest) {
			s.Newest = first
		}
	}
	return s, nil
}
