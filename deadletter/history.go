package deadletter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// History is all that a log says of one letter.
type History struct {
	Letters     []*Letter     // oldest first; one for each time that it was written
	Again       []*Resolution // each time that a replay failed in the same way, which is counted and not written again
	Resolutions []*Resolution // that closed it
	Open        bool
}

// ErrUnknownLetter means that a log has no letter of that identity.
var ErrUnknownLetter = errors.New("no such letter")

// Show gives what the log says of the letters of that identity, one History for each event. Mostly there is one; a
// message that was published twice has two. They come in the order in which they were first written. The attempts of
// the last letter of each include those that were only counted. Show returns ErrUnknownLetter if there is none.
func Show(ctx context.Context, log Reader, id event.ID) ([]History, error) {
	list, err := tell(ctx, log, func(other event.ID) bool { return other == id })
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s: %w", id, ErrUnknownLetter)
	}
	return list, err
}

// Stories gives what the log says of the letters that are wanted, as Show does. It reads the log twice, because what
// closed a letter does not say of which record it was.
func Stories(ctx context.Context, log Reader, wants func(*Letter) bool) ([]History, error) {
	ids := map[event.ID]bool{}
	err := log.Scan(ctx, func(r Record) error {
		found, _, err := Decode(r)
		if err != nil {
			return nil
		}
		for _, l := range found {
			if wants(l) {
				ids[l.ID()] = true
			}
		}
		return nil
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	list, err := tell(ctx, log, func(id event.ID) bool { return ids[id] })
	return slices.DeleteFunc(list, func(h History) bool { return !wants(h.Letters[0]) }), err
}

// tell gives what the log says of the letters with some identities.
func tell(ctx context.Context, log Reader, wanted func(event.ID) bool) ([]History, error) {
	var about []decoded
	x := newIndex(nil)
	err := log.Scan(ctx, func(r Record) error {
		found, res, err := Decode(r)
		if err != nil {
			return nil // what cannot be read says nothing of these letters
		}
		d := decoded{at: r.Position, res: res}
		for _, l := range found {
			if wanted(l.ID()) {
				d.letters = append(d.letters, l)
			}
		}
		if len(d.letters) > 0 || res != nil && slices.ContainsFunc(res.Letters, wanted) {
			about = append(about, d)
			x.addRecord(r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	letters, resolutions := inOrder(about)
	x.applyOlder()
	return x.histories(letters, resolutions), nil
}

// decoded is what a record says of a letter.
type decoded struct {
	at      Position
	letters []*Letter
	res     *Resolution
}

// inOrder gives what records say in the order in which they were first written.
func inOrder(about []decoded) (letters []*Letter, resolutions []*Resolution) {
	slices.SortStableFunc(about, func(a, b decoded) int {
		return cmp.Or(cmp.Compare(a.at.Partition, b.at.Partition), cmp.Compare(a.at.Written(), b.at.Written()))
	})
	for _, d := range about {
		letters = append(letters, d.letters...)
		if d.res != nil {
			resolutions = append(resolutions, d.res)
		}
	}
	return letters, resolutions
}

// histories groups what a log says of letters by their identities and events.
func (x *index) histories(letters []*Letter, resolutions []*Resolution) []History {
	var histories []History
	index := map[letterKey]int{}
	for _, l := range letters {
		key := letterKey{l.ID(), l.EventID}
		i, known := index[key]
		if !known {
			i = len(histories)
			index[key] = i
			histories = append(histories, History{Open: x.entries[key].open})
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
