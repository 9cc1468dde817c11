package replay

import (
	"slices"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

// A replay takes each call of a record by itself, and what fails again of one event is one record again.
func TestAReplayOfOneRecord(t *testing.T) {
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.WithFailures(lettertest.Failed(1), 5))
		calls := rules(func(*event.Message) (calls []event.Call, _ []event.Failure) {
			for n := range 6 {
				calls = append(calls, call(1+1000*n, "order", "track:order_completed"))
			}
			return calls, nil
		})
		f := &flow{refuse: func(c event.Call) bool {
			return c.ID == lettertest.ID(1001) ||
				c.ID == lettertest.ID(3001)
		}}
		r := newReplay(t, s, calls, Options{Filter: deadletter.Filter{All: true}})
		if err := f.run(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := r.Progress(); got != (Progress{Open: 5, Chosen: 5, Delivered: 3, FailedAgain: 2}) ||
			len(f.sent) != 5 {
			t.Errorf("%+v, %d sent", got, len(f.sent))
		}
		if got := logtest.Listed(t, s, deadletter.Filter{All: true}); !slices.Equal(got,
			[]event.ID{lettertest.ID(1001), lettertest.ID(3001)}) {
			t.Errorf("open are %v", got)
		}
		if h, err := logtest.ShowOne(t, s, lettertest.ID(3001)); err != nil || len(h.Letters) != 2 ||
			h.Letters[1].Failure.Attempts != 3 {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// What became of the many letters of one event is noted in as many resolutions as any store takes.
func TestResolutionsOfManyLettersFit(t *testing.T) {
	const letters = 3_000
	storetest.OnEveryStoreOf(t, lettertest.MinMaxBytes, func(t *testing.T, s storetest.Store) {
		l := lettertest.WithFailures(lettertest.Failed(1), letters)
		lettertest.MustPut(t, s, l)
		open, _, _ := logtest.ScanAll(t, s)
		e := newReplayedEvent(open)
		for i := range e.statuses {
			e.statuses[i] = letterStatus{calls: 1, attempts: i % 2 * deadletter.MaxAttempts}
		}
		progress := Progress{}
		resolved, _ := e.resolutions(&progress, func(Group) {})
		if progress.Delivered != letters/2 || progress.FailedAgain != letters/2 {
			t.Errorf("got %+v", progress)
		}
		if err := s.Resolve(t.Context(), resolved...); err != nil {
			t.Fatal(err)
		}
		sum, err := deadletter.Stats(t.Context(), s)
		if err != nil || sum.Open != letters/2 || sum.Resolved != letters/2 || sum.Unreadable != 0 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}
