package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Purger is a log from which records can be removed for good.
type Purger interface {
	Reader
	// Remove removes records, those of a partition together or in their order. It returns ErrKeeps where the store
	// cannot remove single records. Those that are gone already are passed by, and so are other records that have taken
	// their places. After another error any of them may have been removed.
	Remove(ctx context.Context, records ...Seen) error
}

// Seen is a record of a log as a scan gave it.
type Seen struct {
	At   Position
	Time time.Time
}

// ErrKeeps means that a store removes records by its retention alone.
var ErrKeeps = errors.New("this store cannot remove single records")

// Purged counts what a purge removed, or would remove.
type Purged struct {
	Letters     int // with every time that each was written
	Resolutions int // of which no letter is left in the log
	Open        int // letters that were left because they are open
	Shared      int // letters that were left because others stand in the same record, which were not chosen or are open
}

// Purge removes for good the records of the letters that the filter chooses, and the resolutions of which no letter
// is left. Open letters stay unless open says otherwise. A record is removed only as a whole. With dryRun it counts
// and removes nothing. Whoever calls it holds the lock of a replay; a bridge may write beside it: the log is read once,
// so that a letter which is written again meanwhile is not taken for one that is resolved.
func Purge(ctx context.Context, log Purger, filter Filter, open, dryRun bool) (Purged, error) {
	if err := filter.Validate(); err != nil {
		return Purged{}, err
	}
	if err := log.Remove(ctx); err != nil { // of nothing, which tells whether it can
		return Purged{}, fmt.Errorf("purge: %w", err)
	}
	counts, later, err := purgeOnce(ctx, log, &filter, open, dryRun)
	if err != nil || later == 0 || dryRun {
		counts.Resolutions += later
		return counts, err
	}
	more, _, err := purgeOnce(ctx, log, &filter, open, dryRun)
	counts.Letters, counts.Resolutions = counts.Letters+more.Letters, counts.Resolutions+more.Resolutions
	return counts, err
}

// purgeOnce goes through the log once. Resolutions that stand in another partition than their letters, because the
// topic was given more of them, are for later: there is no order between partitions, and a letter without its
// resolution would be open again.
func purgeOnce(ctx context.Context, log Purger, filter *Filter, open, dryRun bool) (_ Purged, later int, err error) {
	p := purge{filter: filter, index: newIndex(nil), open: open, left: map[letterKey]bool{},
		removed: map[letterKey]home{}}
	if err := log.Scan(ctx, p.addRecord); err != nil {
		return Purged{}, 0, err
	}
	p.index.applyOlder()
	// Letters go first, the older ones before those that were written again: without its resolution a letter would be
	// open again.
	removed := append(p.letters(), p.resolutions()...)
	if dryRun || len(removed) == 0 {
		return p.counts, p.later, nil
	}
	if err := log.Remove(ctx, removed...); err != nil {
		return p.counts, 0, fmt.Errorf("purge: %w", err)
	}
	return p.counts, p.later, nil
}

// purge is what a purge knows of a log.
type purge struct {
	filter *Filter
	index  *index
	open   bool // open letters too
	counts Purged

	records []purgeRecord      // of letters
	about   []purgeRecord      // resolutions
	left    map[letterKey]bool // letters that stay and may be open; with no event, those of that identity of any event
	removed map[letterKey]home // letters of records that go, likewise
	later   int                // resolutions that can only go when their letters are gone
}

// home is where the records of a letter stand.
type home struct {
	partition int32
	several   bool // partitions
}

// purgeRecord is a record of the log, and the letters that it holds or is about.
type purgeRecord struct {
	seen   Seen
	event  event.ID
	ids    []event.ID
	chosen []event.ID // of the ids, those that the filter chooses
	opens  []event.ID // of the ids, those that would be open without a resolution
}

func (p *purge) addRecord(r Record) error {
	p.index.addRecord(r)
	letters, res, err := Decode(r)
	if err != nil {
		return nil // what is no letter stays
	}
	record := purgeRecord{seen: Seen{r.Position, r.Time}}
	if res != nil {
		record.event, record.ids = res.EventID, res.Letters
		p.about = append(p.about, record)
		return nil
	}
	filter := p.filter.once()
	for _, l := range letters {
		record.event, record.ids = l.EventID, append(record.ids, l.ID())
		if l.Failure.Reason != event.ReasonErased {
			record.opens = append(record.opens, l.ID())
		}
		matches, err := filter.Match(l)
		if err != nil {
			return err
		}
		if matches {
			record.chosen = append(record.chosen, l.ID())
		}
	}
	p.records = append(p.records, record)
	return nil
}

// letters lists the records of letters that are removed, in the order of the log.
func (p *purge) letters() (list []Seen) {
	for _, r := range p.records {
		open := 0
		for _, id := range r.chosen {
			if !p.open && p.index.entries[letterKey{id, r.event}].open {
				open++
			}
		}
		if len(r.chosen) == len(r.ids) && open == 0 {
			list = append(list, r.seen)
			p.counts.Letters += len(r.ids)
			for _, id := range r.ids {
				p.goes(letterKey{id, r.event}, r.seen.At.Partition)
				p.goes(letterKey{id: id}, r.seen.At.Partition)
			}
			continue
		}
		p.counts.Open += open
		p.counts.Shared += len(r.chosen) - open
		for _, id := range r.opens {
			p.left[letterKey{id, r.event}], p.left[letterKey{id: id}] = true, true
		}
	}
	return list
}

func (p *purge) goes(key letterKey, partition int32) {
	its, known := p.removed[key]
	p.removed[key] = home{partition, its.several || known && its.partition != partition}
}

// resolutions lists the resolutions of which no letter is left, because it is removed now, or was by a purge that died,
// or by the log's retention. They hold the letters' keys.
func (p *purge) resolutions() (list []Seen) {
	for _, res := range p.about {
		left := func(id event.ID) bool { return p.left[letterKey{id, res.event}] }
		elsewhere := func(id event.ID) bool {
			its, goes := p.removed[letterKey{id, res.event}]
			return goes && (its.several || its.partition != res.seen.At.Partition)
		}
		switch {
		case slices.ContainsFunc(res.ids, left):
		case slices.ContainsFunc(res.ids, elsewhere):
			p.later++
		default:
			list = append(list, res.seen)
			p.counts.Resolutions++
		}
	}
	return list
}
