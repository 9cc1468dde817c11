package deadletter_test

import (
	"context"
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
	t.Parallel()
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

// A letter that says that its person was erased is closed by itself: the resolution of the same call goes with the
// letter that had the event, since it has the key.
func TestAPurgeLeavesNoResolutionForAnErasedLetter(t *testing.T) {
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		erased := lettertest.Failed(1)
		erased.Failures[0].Reason = event.ReasonErased
		lettertest.MustPut(t, s, lettertest.Failed(1))
		lettertest.MustPut(t, s, erased)
		one := deadletter.Filter{IDs: []event.ID{lettertest.ID(1)}}
		if n, err := deadletter.Discard(t.Context(), s, one, "test"); n != 1 || err != nil {
			t.Fatalf("%d letters were discarded, %v", n, err)
		}
		refused := deadletter.Filter{IDs: one.IDs, Reasons: []event.Reason{event.ReasonRefused}}
		got, err := deadletter.Purge(t.Context(), s, refused, false, false)
		if err != nil || got != (deadletter.Purged{Letters: 1, Resolutions: 1}) {
			t.Errorf("%+v, %v", got, err)
		}
		if open := logtest.Listed(t, s, one); len(open) > 0 {
			t.Errorf("open are %v", open)
		}
		letters, notes, _ := logtest.ScanAll(t, s)
		for _, l := range letters { // none in a stream, which drops the second as a repeat of the first
			if l.Failure.Reason != event.ReasonErased {
				t.Errorf("left is %+v", l.Failure)
			}
		}
		if len(notes) > 0 {
			t.Errorf("%d notes are left", len(notes))
		}
	})
}

// rewritten is a log in which a bridge writes a letter again right after each scan.
type rewritten struct {
	storetest.Store
	t *testing.T
}

func (r *rewritten) Scan(ctx context.Context, each func(deadletter.Record) error) error {
	err := r.Store.Scan(ctx, each)
	again := lettertest.Failed(1)
	again.Failures[0].Attempts = 7
	lettertest.MustPut(r.t, r.Store, again)
	return err
}

// A letter that is written again while the log is read is open, and stays.
func TestALetterThatIsWrittenAgainIsNotPurged(t *testing.T) {
	s := storetest.File(t)
	lettertest.MustPut(t, s, lettertest.Failed(1))
	one := deadletter.Filter{IDs: []event.ID{lettertest.ID(1)}}
	if n, err := deadletter.Discard(t.Context(), s, one, "test"); n != 1 || err != nil {
		t.Fatalf("%d letters were discarded, %v", n, err)
	}
	got, err := deadletter.Purge(t.Context(), &rewritten{s, t}, one, false, false)
	if err != nil || got != (deadletter.Purged{Letters: 1, Resolutions: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
	if open := logtest.Listed(t, s, one); !slices.Equal(open, one.IDs) {
		t.Errorf("open are %v", open)
	}
}

// counting is a log whose process dies when it has removed so many records.
type counting struct {
	storetest.Store
	left int
}

func (c *counting) Remove(ctx context.Context, records ...deadletter.Seen) error {
	n := min(len(records), c.left)
	c.left -= n
	if err := c.Store.Remove(ctx, records[:n]...); err != nil || n == len(records) {
		return err
	}
	return errDied
}

var errDied = errors.New("the process died")

// A purge that dies on the way leaves no letter open that was resolved, and the next one does the rest.
func TestAPurgeThatDies(t *testing.T) {
	t.Parallel()
	all := deadletter.Filter{All: true}
	for removed, died := 0, true; died; removed++ {
		s := storetest.File(t)
		again := lettertest.Failed(1)
		again.Failures[0].Attempts = 2
		lettertest.MustPut(t, s, lettertest.Failed(1), again, lettertest.Failed(2), lettertest.Failed(3))
		resolved := deadletter.Filter{IDs: []event.ID{lettertest.ID(1), lettertest.ID(2)}}
		if n, err := deadletter.Discard(t.Context(), s, resolved, "test"); n != 2 || err != nil {
			t.Fatalf("%d letters were discarded, %v", n, err)
		}
		_, err := deadletter.Purge(t.Context(), &counting{s, removed}, all, false, false)
		if died = errors.Is(err, errDied); err != nil && !died {
			t.Fatal(err)
		}
		if open := logtest.Listed(t, s, all); !slices.Equal(open, []event.ID{lettertest.ID(3)}) {
			t.Errorf("after %d records open are %v", removed, open)
		}
		if _, err := deadletter.Purge(t.Context(), s, all, false, false); err != nil {
			t.Error(err)
		}
		if letters, notes, _ := logtest.ScanAll(t, s); len(letters) != 1 || len(notes) != 0 {
			t.Errorf("after %d records and a second purge: %d letters and %d notes", removed, len(letters), len(notes))
		}
	}
}
