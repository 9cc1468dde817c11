package internal_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/lease"
)

var _ context.Context = (*lease.Lease)(nil)

func forever() time.Time { return time.Time{} }

func TestEndWaitsForWhatIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lease.New(forever)
		finished := false
		l.AfterFunc(func() {
			time.Sleep(2 * time.Second)
			finished = true
		})
		if stop := l.AfterFunc(func() { t.Error("ran although it was stopped") }); !stop() || stop() {
			t.Error("stop must report true once")
		}
		began := time.Now()
		if !l.End(5*time.Second) || !finished || time.Since(began) != 2*time.Second {
			t.Errorf("ended after %s, finished %v", time.Since(began), finished)
		}
		late := false
		if l.AfterFunc(func() { late = true })() {
			t.Error("a function on an ended lease cannot be stopped")
		}
		if !l.End(5*time.Second) || !late {
			t.Error("a late function was not waited for")
		}
	})
}

func TestEndGivesUpAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lease.New(forever)
		l.AfterFunc(func() { time.Sleep(time.Minute) })
		began := time.Now()
		if l.End(5*time.Second) || time.Since(began) != 5*time.Second {
			t.Errorf("ended after %s", time.Since(began))
		}
		if d, ok := l.Deadline(); !ok || d.After(time.Now()) {
			t.Error("an attempt may still begin")
		}
		time.Sleep(time.Minute)
	})
}

func TestDeadlineIsTheEarlierEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proof := time.Now().Add(10 * time.Second)
		l := lease.New(func() time.Time { return proof })
		if d, ok := l.Deadline(); !ok || !d.Equal(proof) || l.Err() != nil {
			t.Error("the proof sets the deadline")
		}
		l.Revoke(3 * time.Second)
		if d, _ := l.Deadline(); !d.Equal(time.Now().Add(3*time.Second)) || l.Err() == nil {
			t.Error("the drain sets the deadline")
		}
		proof = time.Now().Add(-time.Second)
		if d, _ := l.Deadline(); !d.Equal(proof) {
			t.Error("a lost proof sets the deadline")
		}
		if _, ok := lease.New(forever).Deadline(); ok {
			t.Error("no proof and no drain mean no deadline")
		}
	})
}
