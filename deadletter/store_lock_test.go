package deadletter

import (
	"errors"
	"testing"
)

func TestAnEmptyLogIsEmpty(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s Store) {
		if got := listed(t, s, Filter{All: true}); got != nil {
			t.Errorf("got %v", got)
		}
		sum, err := Stats(t.Context(), s)
		if err != nil || sum.Open != 0 || sum.Written != 0 || !sum.Oldest.IsZero() {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestOneReplayAtATime(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s Store) {
		first, err := s.Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lock(t.Context()); !errors.Is(err, ErrReplayRunning) {
			t.Fatalf("a second lock gives %v", err)
		}
		select {
		case <-first.Lost():
			t.Fatal("the first lost its lock to the second")
		default:
		}
		first.Release()
		first.Release()
		again, err := s.Lock(t.Context())
		if err != nil {
			t.Fatalf("the lock is not free again: %v", err)
		}
		again.Release()
	})
}
