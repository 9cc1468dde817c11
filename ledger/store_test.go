package ledger_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/ledger"
)

func ctx(c cleaner) context.Context {
	if t, ok := c.(*testing.T); ok {
		return t.Context()
	}
	return context.Background()
}

func put(t *testing.T, s ledger.Store, id event.ID, prev, next ledger.Record) ledger.Record {
	t.Helper()
	stands, err := s.Put(t.Context(), id, prev, next)
	if err != nil {
		t.Fatal(err)
	}
	return stands
}

func get(t *testing.T, s ledger.Store, id event.ID) ledger.Record {
	t.Helper()
	known, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func TestRecordsFollowEachOther(t *testing.T) {
	onEveryPlace(t, func(t *testing.T, p place) {
		a, b := p.mustOpen(t, ledger.Config{}), p.mustOpen(t, ledger.Config{})
		id, now := newID(), time.Now()
		if known := get(t, a, id); known != (ledger.Record{}) {
			t.Fatalf("before anything was written: %+v", known)
		}
		first := put(t, a, id, ledger.Record{}, ledger.Record{}.Follow(ledger.Intent, 1, now))
		if first.State != ledger.Intent || first.Owner != 1 || first.Version != 1 {
			t.Fatalf("an intent: %+v", first)
		}
		// Another process that knew of nothing loses, and learns what stands.
		if known := put(t, b, id, ledger.Record{}, ledger.Record{}.Follow(ledger.Intent, 2, now)); !known.Is(first) {
			t.Fatalf("a second intent: %+v", known)
		}
		not := put(t, a, id, first, first.Follow(ledger.NotSent, 1, now))
		if known := get(t, b, id); !known.Is(not) || !known.At.Equal(now.Truncate(time.Millisecond)) {
			t.Fatalf("the other reads %+v", known)
		}
		second := put(t, b, id, not, not.Follow(ledger.Intent, 2, now))
		if !second.Is(not.Follow(ledger.Intent, 2, now)) {
			t.Fatalf("after it was not sent: %+v", second)
		}
		// A write that arrives late changes nothing.
		for _, late := range []ledger.Record{first, not} {
			if known := put(t, a, id, ledger.Record{}, late); !known.Is(second) {
				t.Fatalf("after a late %v: %+v", late.State, known)
			}
		}
		sent := put(t, b, id, second, second.Follow(ledger.Sent, 2, now))
		for _, s := range []ledger.Store{a, b, p.mustOpen(t, ledger.Config{})} {
			if known := get(t, s, id); !known.Is(sent) {
				t.Fatalf("what stands in the end: %+v", known)
			}
			known := put(t, s, id, sent, sent.Follow(ledger.NotSent, ledger.Operator, now))
			if known.State != ledger.Sent {
				t.Fatalf("what follows a call that was sent: %+v", known)
			}
		}
	})
}

// Of many that have an intent at once, one wins.
func TestOneOfManyWins(t *testing.T) {
	onEveryPlace(t, func(t *testing.T, p place) {
		stores := []ledger.Store{p.mustOpen(t, ledger.Config{}), p.mustOpen(t, ledger.Config{})}
		for range 5 {
			id := newID()
			var all sync.WaitGroup
			stands := make([]ledger.Record, 8)
			for i := range stands {
				all.Go(func() {
					next := ledger.Record{}.Follow(ledger.Intent, ledger.Owner(i+1), time.Now())
					stands[i], _ = stores[i%2].Put(t.Context(), id, ledger.Record{}, next)
				})
			}
			all.Wait()
			winners := 0
			for i := range stands {
				if stands[i].Owner == ledger.Owner(i+1) {
					winners++
				}
				if !stands[i].Is(stands[0]) {
					t.Errorf("%+v and %+v stand", stands[i], stands[0])
				}
			}
			if winners != 1 {
				t.Errorf("%d win", winners)
			}
		}
	})
}

func TestRecordsAreReadAsTheyAreWritten(t *testing.T) {
	at := time.UnixMilli(1_790_000_000_123)
	for _, r := range []ledger.Record{
		{State: ledger.Intent, Version: 1, Owner: 7, At: at},
		{State: ledger.NotSent, Version: 2, Owner: ledger.Operator, At: at},
		{State: ledger.Uncertain, Version: 1 << 31, Owner: 1<<64 - 1, At: at},
		{State: ledger.Sent, Version: 4, Owner: 9, At: at},
	} {
		for _, id := range []event.ID{{}, newID()} {
			gotID, got, err := ledger.Decode(r.Encode(id))
			if err != nil || gotID != id || !got.Is(r) || !got.At.Equal(at) {
				t.Errorf("%s: %v, %+v, %v", r.Encode(id), gotID, got, err)
			}
		}
	}
	for _, text := range []string{
		"", "{}", `{"version":1,"state":"sent","owner":"x","at":1}`, `{"version":0,"state":"sent","owner":"operator","at":1}`,
		`{"version":1,"state":"gone","owner":"operator","at":1}`, `{"version":1,"state":"unknown","owner":"operator","at":1}`,
		`{"version":1,"state":"sent","owner":"operator","at":1,"more":2}`,
		`{"id":"x","version":1,"state":"sent","owner":"operator","at":1}`,
	} {
		if _, _, err := ledger.Decode([]byte(text)); !errors.Is(err, ledger.ErrRecord) {
			t.Errorf("%s is read: %v", text, err)
		}
	}
}
