package replay

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

// repairable are rules that make the call of a letter only of a value that was repaired.
type repairable struct{ rules }

func (r repairable) MapRepaired(m *event.Message, failed []event.Failure, _ []byte) ([]event.Call, []event.Failure) {
	if string(m.Value) == "repaired" {
		return []event.Call{{ID: failed[0].ID, Step: &event.Step{Rule: "order", Call: "track:order_completed"}}}, nil
	}
	return nil, []event.Failure{{ID: failed[0].ID, Stage: event.StageMapping, Reason: event.ReasonMissingField,
		Rule: "order", Call: "track:order_completed"}}
}

var needsRepair = repairable{func(*event.Message) ([]event.Call, []event.Failure) { return nil, nil }}

// A repair that fails becomes a letter that names the original, and one that works resolves it, in every kind of store.
func TestARepairedLetterIsSentUnderItsIdentity(t *testing.T) {
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.Failed(1), lettertest.Failed(2))
		one := deadletter.Filter{IDs: []event.ID{lettertest.ID(1)}}
		f := &flow{}
		r := newReplay(t, s, needsRepair, Options{Filter: one, Repaired: []byte("still broken")})
		if err := f.run(t.Context(), r); err != nil || r.Progress().FailedAgain != 1 || len(f.sent) != 0 {
			t.Fatalf("a repair that is none: %v, %+v, sent %v", err, r.Progress(), f.sent)
		}
		stories, err := deadletter.Show(t.Context(), s, lettertest.ID(1))
		if err != nil || len(stories) != 2 || stories[0].Open || !stories[1].Open {
			t.Fatalf("%+v, %v", stories, err)
		}
		copied := stories[1].Letters[0]
		of := event.Original{Letter: lettertest.ID(1), Event: stories[0].Letters[0].EventID}
		if copied.Original != of || string(copied.Message.Value) != "still broken" {
			t.Errorf("the copy holds %q and is of %v, want %v", copied.Message.Value, copied.Original, of)
		}
		res := stories[0].Resolutions[0]
		if res.Kind != deadletter.Replaced || !strings.Contains(res.Note, copied.EventID.String()) {
			t.Errorf("the original is resolved by %+v, which does not name %s", res, copied.EventID)
		}
		r = newReplay(t, s, needsRepair, Options{Filter: one, Repaired: []byte("repaired")})
		if err := f.run(t.Context(), r); err != nil || r.Progress().Delivered != 1 {
			t.Fatalf("a repair: %v, %+v", err, r.Progress())
		}
		if !slices.Equal(f.sent, []event.ID{lettertest.ID(1)}) {
			t.Errorf("sent %v", f.sent)
		}
		open := logtest.Listed(t, s, deadletter.Filter{All: true})
		if !slices.Equal(open, []event.ID{lettertest.ID(2)}) {
			t.Errorf("open are %v", open)
		}
	})
}

// Wherever a repair is killed, the next one sends the same identity, also where it repairs in another way.
func TestARepairIsKilled(t *testing.T) {
	s := storetest.File(t)
	lettertest.MustPut(t, s, lettertest.Failed(1))
	opts := Options{Filter: deadletter.Filter{All: true}, Repaired: []byte("repaired"), Drain: 50 * time.Millisecond}
	f := &flow{}
	err := f.run(t.Context(), newReplay(t, &dying{Store: s, dead: true}, needsRepair, opts))
	if !errors.Is(err, errKilled) {
		t.Fatalf("got %v", err)
	}
	r := newReplay(t, s, needsRepair, opts)
	if err := f.run(t.Context(), r); err != nil || r.Progress().Delivered != 1 {
		t.Fatalf("%v, %+v", err, r.Progress())
	}
	if want := []event.ID{lettertest.ID(1), lettertest.ID(1)}; !slices.Equal(f.sent, want) {
		t.Errorf("sent %v, want %v", f.sent, want)
	}
	if open := logtest.Listed(t, s, deadletter.Filter{All: true}); len(open) > 0 {
		t.Errorf("open are %v", open)
	}
}

func TestARepairIsForOneLetter(t *testing.T) {
	s := storetest.File(t)
	lettertest.MustPut(t, s, lettertest.Failed(1), lettertest.Failed(2))
	f := &flow{}
	r := newReplay(t, s, needsRepair, Options{Filter: deadletter.Filter{All: true}, Repaired: []byte("repaired")})
	if err := f.run(t.Context(), r); !errors.Is(err, ErrNotOne) || len(f.sent) > 0 {
		t.Errorf("%v, sent %v", err, f.sent)
	}
}
