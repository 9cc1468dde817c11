package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/ledger"
)

// A table stays within its limit, and whatever it has forgotten is of an event before the time that it tells.
func TestATableIsBounded(t *testing.T) {
	const limit = 1000
	now := time.Now()
	table := ledger.NewTable(time.Hour, limit)
	var all []event.ID
	for i := range 5 * limit {
		at := now.Add(-time.Duration(i*7919%(5*limit)) * 100 * time.Millisecond) // in no order
		all = append(all, idAt(at))
		if err := table.Room(all[i], now); err != nil {
			t.Fatal(err)
		}
		table.Apply(all[i], ledger.Record{}.Follow(ledger.Sent, 1, now), now)
	}
	if n := table.Len(); n > limit || n < limit/2 {
		t.Errorf("%d records are held", n)
	}
	for _, id := range all {
		at := time.UnixMilli(int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 |
			int64(id[4])<<8 | int64(id[5]))
		if table.Get(id).State == ledger.Unknown && !at.Before(table.Forgotten(now)) {
			t.Fatalf("the record of %s is gone, and records are told to be there from %s on", at, table.Forgotten(now))
		}
	}
	later := now.Add(2 * time.Hour)
	table.Apply(idAt(later), ledger.Record{}.Follow(ledger.Intent, 1, later), later)
	if n := table.Len(); n != 1 {
		t.Errorf("%d records are held after all but one have ended", n)
	}
	if got := table.Forgotten(later); !got.Equal(later.Add(-time.Hour)) {
		t.Errorf("forgotten is what is before %s", got)
	}
}

// A clock that was set forward and back ends records early. That they are gone is known.
func TestAClockThatJumps(t *testing.T) {
	now, id := time.Now(), newID()
	sent := ledger.Record{}.Follow(ledger.Sent, 1, now)
	for name, jump := range map[string]func(table *ledger.Table, ahead time.Time){
		"while it is held": func(table *ledger.Table, ahead time.Time) {
			table.Apply(id, sent, now)
			table.Apply(newID(), ledger.Record{}.Follow(ledger.Sent, 1, ahead), ahead)
		},
		"while it is read": func(table *ledger.Table, ahead time.Time) { table.Apply(id, sent, ahead) },
	} {
		table := ledger.NewTable(time.Hour, 1000)
		jump(table, now.Add(2*time.Hour))
		if table.Get(id).State != ledger.Unknown || !table.Forgotten(now).After(now) {
			t.Errorf("%s: %+v is known, and what is before %s is forgotten", name, table.Get(id), table.Forgotten(now))
		}
	}
}

// Calls of events without a time cannot be forgotten in secret: where they fill a table there is no room.
func TestATableOfEventsWithoutATime(t *testing.T) {
	now, table := time.Now(), ledger.NewTable(time.Hour, 1000)
	for range 1000 {
		table.Apply(idAt(time.UnixMilli(0)), ledger.Record{}.Follow(ledger.Sent, 1, now), now)
	}
	if err := table.Room(newID(), now); !errors.Is(err, ledger.ErrFull) || table.Len() != 1000 {
		t.Errorf("%v with %d records", err, table.Len())
	}
	if err := table.Room(newID(), now.Add(61*time.Minute)); err != nil {
		t.Errorf("after they have ended: %v", err)
	}
}
