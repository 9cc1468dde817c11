package replay

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

// undecodable fails as an event does that nobody mends.
var undecodable = rules(func(m *event.Message) ([]event.Call, []event.Failure) {
	return nil, []event.Failure{{
		ID: lettertest.ID(int(m.Origin.Offset)), Stage: event.StageMapping,
		Reason: event.ReasonUndecodable, Detail: "not JSON at byte 7",
	}}
})

// What cannot be mended is counted by every replay and copied by none.
func TestWhatFailsInTheSameWayIsCountedAndNotCopied(t *testing.T) {
	const letters, rounds = 20, 5
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		for n := range letters {
			m := lettertest.Failed(n).Message
			_, failures := undecodable(&m)
			lettertest.MustPut(t, s, event.FailedMessage{Message: m, Failures: failures})
		}
		for range rounds {
			r := newReplay(t, s, undecodable, Options{Filter: deadletter.Filter{All: true}})
			if err := (&flow{}).run(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if got := r.Progress(); got != (Progress{Open: letters, Chosen: letters, FailedAgain: letters}) {
				t.Errorf("got %+v", got)
			}
		}
		if sum, err := deadletter.Stats(t.Context(), s); err != nil || sum.Open != letters ||
			sum.Written != letters || sum.Unreadable != 0 || sum.Resolved != 0 {
			t.Errorf("got %+v, %v", sum, err)
		}
		for l, err := range deadletter.List(t.Context(), s, deadletter.Filter{All: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if l.Failure.Attempts != rounds {
				t.Errorf("letter %s has %d attempts after %d replays", l.ID(), l.Failure.Attempts, rounds)
			}
		}
		h, err := logtest.ShowOne(t, s, lettertest.ID(3))
		if err != nil || len(h.Letters) != 1 || len(h.Again) != rounds || h.Letters[0].Failure.Attempts != rounds ||
			!h.Open {
			t.Errorf("got %+v, %v", h, err)
		}
	})
}

// watched counts the letters of the resolutions that are stored.
type watched struct {
	Store
	resolved atomic.Int64
}

func (w *watched) Resolve(ctx context.Context, r ...deadletter.Resolution) error {
	if err := w.Store.Resolve(ctx, r...); err != nil {
		return err
	}
	for i := range r {
		w.resolved.Add(int64(len(r[i].Letters)))
	}
	return nil
}

// What a replay has delivered is noted at once, so that one that is killed repeats what was on the wire and little
// more.
func TestWhatIsDeliveredIsNotedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Store: storetest.File(t)}
		lettertest.MustPut(t, w, lettertest.FailedBetween(0, 30)...)
		f := &flow{}
		delivered := 0
		f.after = func(int) {
			time.Sleep(resolveEvery / 50) // of the request
			if noted := int(w.resolved.Load()); noted < delivered {
				t.Errorf("%d letters are delivered and %d are noted", delivered, noted)
			}
			delivered++
		}
		if err := f.run(t.Context(), newReplay(t, w, oneCall,
			Options{Filter: deadletter.Filter{All: true}})); err != nil {
			t.Fatal(err)
		}
		if delivered != 30 || w.resolved.Load() != 30 {
			t.Errorf("%d delivered, %d noted", delivered, w.resolved.Load())
		}
	})
}

// A number of attempts that nobody makes neither wraps nor damages the letter.
func TestAttemptsAreBounded(t *testing.T) {
	for written, want := range map[string]int{
		"7": 7, "1000000": deadletter.MaxAttempts, "9223372036854775807": deadletter.MaxAttempts,
		"99999999999999999999": deadletter.MaxAttempts, "-9223372036854775808": deadletter.MaxAttempts,
	} {
		l := lettertest.Failed(1)
		r := deadletter.Encode(&l, lettertest.Time, "")
		i := slices.IndexFunc(r.Headers, func(h event.Header) bool { return h.Key == "ciobridge-attempts" })
		r.Headers[i].Value = []byte(written)
		letters, _, err := deadletter.Decode(r)
		if err != nil || letters[0].Failure.Attempts != want {
			t.Fatalf("%s: %v, %v", written, letters, err)
		}
		e := newReplayedEvent(letters)
		e.owners = map[event.ID][]int{letters[0].ID(): {0}}
		again := e.newFailures([]event.Failure{letters[0].Failure})
		resolved, _ := e.resolutions(&Progress{}, func(Group) {})
		if len(again) != 0 || resolved[0].Attempts[0] != min(want*2, deadletter.MaxAttempts) {
			t.Errorf("%s: counted %+v", written, e.statuses)
		}
		l.Failures[0].Attempts = 1<<63 - 1
		if letters, _, err := deadletter.Decode(deadletter.Encode(&l, lettertest.Time, "")); err != nil ||
			letters[0].Failure.Attempts != deadletter.MaxAttempts {
			t.Errorf("written: %v, %v", letters, err)
		}
	}
}
