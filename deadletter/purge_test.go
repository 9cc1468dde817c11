package deadletter_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

// What is purged is gone for good, with its resolutions; everything else stands where it stood. Kafka says that it
// cannot.
func TestPurge(t *testing.T) {
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		ctx := t.Context()
		shared := lettertest.Failed(4)
		shared.Failures = append(shared.Failures, shared.Failures[0])
		shared.Failures[1].ID = lettertest.ID(1004)
		lettertest.MustPut(t, s, lettertest.Failed(1), lettertest.Failed(2), lettertest.Failed(3), shared)
		ids := []event.ID{lettertest.ID(1), lettertest.ID(2), lettertest.ID(4)}
		if n, err := deadletter.Discard(ctx, s, deadletter.Filter{IDs: ids}, "test"); n != 3 || err != nil {
			t.Fatalf("%d letters were discarded, %v", n, err)
		}
		chosen := deadletter.Filter{IDs: []event.ID{lettertest.ID(1), lettertest.ID(3), lettertest.ID(4)}}
		want := deadletter.Purged{Letters: 1, Resolutions: 1, Open: 1, Shared: 1}
		planned, errPlanned := deadletter.Purge(ctx, s, chosen, false, true)
		got, err := deadletter.Purge(ctx, s, chosen, false, false)
		if planned != got || errors.Is(errPlanned, deadletter.ErrKeeps) != errors.Is(err, deadletter.ErrKeeps) {
			t.Errorf("a dry run gives %+v, %v, and the purge %+v, %v", planned, errPlanned, got, err)
		}
		if errors.Is(err, deadletter.ErrKeeps) {
			if _, err := deadletter.Show(ctx, s, lettertest.ID(1)); err != nil {
				t.Errorf("a store that keeps has lost the letter: %v", err)
			}
			return
		}
		if err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := deadletter.Show(ctx, s, lettertest.ID(1)); !errors.Is(err, deadletter.ErrUnknownLetter) {
			t.Errorf("the purged letter: %v", err)
		}
		err = s.Scan(ctx, func(r deadletter.Record) error {
			_, res, err := deadletter.Decode(r)
			if err != nil {
				t.Errorf("a record of which is left: %q, %v", r.Value, err)
			}
			if res != nil && slices.Contains(res.Letters, lettertest.ID(1)) {
				t.Errorf("its resolution is left: %+v", res)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		open := logtest.Listed(t, s, deadletter.Filter{All: true})
		if !slices.Contains(open, lettertest.ID(3)) || !slices.Contains(open, lettertest.ID(1004)) || len(open) != 2 {
			t.Errorf("open are %v", open)
		}
		h, err := logtest.ShowOne(t, s, lettertest.ID(2))
		if err != nil || h.Open {
			t.Errorf("the letter that was not chosen: %+v, %v", h, err)
		}
		got, err = deadletter.Purge(ctx, s, deadletter.Filter{All: true}, true, false)
		if err != nil || got != (deadletter.Purged{Letters: 4, Resolutions: 2}) {
			t.Errorf("everything: %+v, %v", got, err)
		}
		lettertest.MustPut(t, s, lettertest.Failed(9))
		open = logtest.Listed(t, s, deadletter.Filter{All: true})
		if !slices.Equal(open, []event.ID{lettertest.ID(9)}) {
			t.Errorf("after the purge, and another letter, open are %v", open)
		}
	})
}
