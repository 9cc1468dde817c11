package jetstream

import (
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

func lockable(t *testing.T) *Store {
	js, _ := lettertest.StartNATS(t)
	s := New(js, deadletter.Config{Subject: "dead.letters"}, "")
	s.session = logtest.Session
	return s
}

func TestTheLockOfAKilledReplayIsWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := lockable(t)
	k := &lockKey{key: "ZGVhZC5sZXR0ZXJz", token: []byte("of one that was killed")}
	if held, err := k.create(t.Context(), s); err != nil || held != 0 {
		t.Fatal(held, err)
	}
	logtest.AKilledHolderIsWaitedFor(t, s)
}

func TestALivingHolderIsNotWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	logtest.ALivingHolderIsNotWaitedFor(t, lockable(t))
}
