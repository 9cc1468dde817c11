package deadletter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

func TestAnEmptyLogIsEmpty(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		if got := logtest.Listed(t, s, deadletter.Filter{All: true}); got != nil {
			t.Errorf("got %v", got)
		}
		sum, err := deadletter.Stats(t.Context(), s)
		if err != nil || sum.Open != 0 || sum.Written != 0 || !sum.Oldest.IsZero() {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestOneReplayAtATime(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		if !strings.HasSuffix(t.Name(), "/file") {
			longtest.Only(t) // a broker is asked for some seconds whether the lock is free
		}
		first, err := s.Lock(t.Context(), logtest.Patient(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lock(t.Context(), logtest.Patient(t)); !errors.Is(err, deadletter.ErrReplayRunning) {
			t.Fatalf("a second lock gives %v", err)
		}
		select {
		case <-first.Lost():
			t.Fatal("the first lost its lock to the second")
		default:
		}
		first.Release()
		first.Release()
		again, err := s.Lock(t.Context(), logtest.Patient(t))
		if err != nil {
			t.Fatalf("the lock is not free again: %v", err)
		}
		again.Release()
	})
}
