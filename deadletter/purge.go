package deadletter

import (
	"context"
	"errors"
	"fmt"

	"github.com/ciobridge/ciobridge/event"
)

// Purger is a log from which records can be removed for good.
type Purger interface {
	Reader
	// Remove removes records. It returns ErrKeeps where the store cannot remove single records. Those that are gone
	// already are passed by. After another error any of them may have been removed.
	Remove(ctx context.Context, at ...Position) error
}

// ErrKeeps means that a store removes records by its retention alone.
var ErrKeeps = errors.New("this store cannot remove single records")

// Purged counts what a purge removed, or would remove.
type Purged struct {
	Letters     int // with every time that each was written
	Resolutions int // of those letters
	Open        int // letters that were left because they are open
	Shared      int // letters that were left because others stand in the same record, which were not chosen or are open
}

// Purge removes for good the records of the letters that the filter chooses, and the resolutions that are about none
// but them. Open letters stay unless open says otherwise. A record is removed only as a whole. With dryRun it counts
// and removes nothing. Whoever calls it holds the lock of a replay.
func Purge(ctx context.Context, log Purger, filter Filter, open, dryRun bool) (Purged, error) {
	if err := filter.Validate(); err != nil {
		return Purged{}, err
	}
	if err := log.Remove(ctx); err != nil { // of nothing, which tells whether it can
		return Purged{}, fmt.Errorf("purge: %w", err)
	}
	x, err := readIndex(ctx, log, nil)
	if err != nil {
		return Purged{}, err
	}
	p := purge{filter: &filter, index: x, open: open, removed: map[letterKey]bool{}, left: map[letterKey]bool{}}
	err = log.Scan(ctx, func(r Record) error {
		p.addRecord(r)
		return nil
	})
	if err != nil {
		return Purged{}, err
	}
	p.addResolutions()
	if dryRun {
		return p.counts, nil
	}
	// Letters go first: without its resolution a letter would be open again.
	for _, list := range [][]Position{p.letters, p.resolutions} {
		for len(list) > 0 {
			n := min(len(list), discardBatch)
			if err := log.Remove(ctx, list[:n]...); err != nil {
				return p.counts, fmt.Errorf("purge: %w", err)
			}
			list = list[n:]
		}
	}
	return p.counts, nil
}

// purge is what is to be removed from a log.
type purge struct {
	filter *Filter
	index  *index
	open   bool // open letters too
	counts Purged

	letters, resolutions []Position
	removed, left        map[letterKey]bool // letters of records that are removed, and of those that stay
	about                []resolved
}

// resolved is a resolution that may be removed.
type resolved struct {
	at    Position
	ids   []event.ID
	event event.ID
}

func (p *purge) addRecord(r Record) {
	letters, res, err := Decode(r)
	if err != nil {
		return
	}
	if res != nil {
		p.about = append(p.about, resolved{r.Position, res.Letters, res.EventID})
		return
	}
	filter := p.filter.once()
	chosen, open := 0, 0
	for _, l := range letters {
		if !filter.Match(l) {
			continue
		}
		chosen++
		if !p.open && p.index.entries[letterKey{l.ID(), l.EventID}].open {
			open++
		}
	}
	of := p.left
	switch {
	case chosen == len(letters) && open == 0:
		of = p.removed
		p.letters = append(p.letters, r.Position)
		p.counts.Letters += len(letters)
	default:
		p.counts.Open += open
		p.counts.Shared += chosen - open
	}
	for _, l := range letters {
		of[letterKey{l.ID(), l.EventID}] = true
	}
}

// addResolutions adds the resolutions all of whose letters are removed. They hold the letters' keys.
func (p *purge) addResolutions() {
	for _, res := range p.about {
		removed, left := false, res.event.IsZero() // of which event is not known
		for _, id := range res.ids {
			key := letterKey{id, res.event}
			removed = removed || p.removed[key]
			left = left || p.left[key]
		}
		if removed && !left {
			p.resolutions = append(p.resolutions, res.at)
			p.counts.Resolutions++
		}
	}
}
