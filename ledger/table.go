package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Table is what a log of records says of each call: of the records that were applied, in the order of the log, the one
// that counts. It is bounded: records end after the retention, and where there are more than the limit the calls of
// the oldest events are forgotten, which moves Forgotten. It may be used from several goroutines.
type Table struct {
	retention time.Duration
	limit     int

	mu        sync.Mutex
	records   map[event.ID]entry
	swept     time.Time // when records that have ended were looked for last
	forgotten time.Time // records of the calls of earlier events were forgotten for want of room
	ended     time.Time // records of the calls of earlier events have ended, by a clock that may be set back
}

// entry is a Record in 24 bytes.
type entry struct {
	owner   Owner
	at      int64 // unix milliseconds
	version uint32
	state   State
}

func entryOf(r Record) entry { return entry{r.Owner, r.At.UnixMilli(), r.Version, r.State} }

func (e entry) record() Record {
	if e.state == Unknown {
		return Record{}
	}
	return Record{State: e.state, Version: e.version, Owner: e.owner, At: time.UnixMilli(e.at)}
}

// NewTable makes a table that holds records for so long, and not more than so many.
func NewTable(retention time.Duration, limit int) *Table {
	return &Table{retention: retention, limit: limit, records: map[event.ID]entry{}}
}

// Get gives the record that counts; the zero Record where there is none.
func (t *Table) Get(id event.ID) Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.records[id].record()
}

// Len is the number of calls that are known.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.records)
}

// Apply takes the next record of the log into account.
func (t *Table) Apply(id event.ID, r Record, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, known := t.records[id]
	if !old.record().counts(r) {
		return
	}
	if t.hasEnded(entryOf(r), now) {
		t.end(now)
		return
	}
	t.records[id] = entryOf(r)
	if known {
		return
	}
	if now.Sub(t.swept) >= t.retention/64 || len(t.records) > t.limit {
		t.sweep(now)
	}
}

// Room fails where a record of another call would be one too many and nothing can be forgotten for it.
func (t *Table) Room(id event.ID, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.records[id]; known || len(t.records) < t.limit {
		return nil
	}
	t.sweep(now)
	if len(t.records) >= t.limit {
		return fmt.Errorf("%w: %d calls whose events have no time are known: raise ledger.max_records",
			ErrFull, len(t.records))
	}
	return nil
}

// Forgotten is the time before which a call's event must have been for its record to be forgotten.
func (t *Table) Forgotten(now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.MaxFunc([]time.Time{now.Add(-t.retention), t.forgotten, t.ended}, time.Time.Compare)
}

// Forget notes that records of the calls of events before that time were forgotten for want of room.
func (t *Table) Forget(before time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(before)
}

// NoRoom is the time of Forget, as far as it is known; zero where nothing was forgotten for want of room.
func (t *Table) NoRoom() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.forgotten
}

// All gives each record to each, until it fails. Nothing else can be done with the table meanwhile.
func (t *Table) All(now time.Time, each func(id event.ID, r Record) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, e := range t.records {
		if t.hasEnded(e, now) {
			continue
		}
		if err := each(id, e.record()); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) hasEnded(e entry, now time.Time) bool {
	return now.UnixMilli()-e.at > t.retention.Milliseconds()
}

// end notes that a record has ended.
func (t *Table) end(now time.Time) {
	if ended := now.Add(-t.retention); ended.After(t.ended) {
		t.ended = ended
	}
}

// sweep removes what has ended, and where that is not enough the calls of the oldest events, down to seven eighths of
// the limit. A call whose event has no time stays: nothing would tell that it was forgotten. The caller holds mu.
func (t *Table) sweep(now time.Time) {
	t.swept = now
	for id, e := range t.records {
		if t.hasEnded(e, now) {
			delete(t.records, id)
			t.end(now)
		}
	}
	tooMany := len(t.records) - (t.limit - t.limit/8)
	if len(t.records) < t.limit || tooMany <= 0 {
		return
	}
	var times []uint64
	for id := range t.records {
		if ms := millis(id); ms > 0 {
			times = append(times, ms)
		}
	}
	if len(times) == 0 {
		return
	}
	slices.Sort(times)
	last := times[min(tooMany, len(times))-1]
	for id := range t.records {
		if ms := millis(id); ms > 0 && ms <= last {
			delete(t.records, id)
		}
	}
	t.forget(time.UnixMilli(int64(last) + 1))
}

func (t *Table) forget(before time.Time) {
	if before.After(t.forgotten) {
		t.forgotten = before
	}
}

// millis is the time of a call's event, in unix milliseconds; 0 where the event has none.
func millis(id event.ID) uint64 { return binary.BigEndian.Uint64(id[:8]) >> 16 }
