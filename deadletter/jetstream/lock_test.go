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
	bucket, err := s.bucket(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Create(t.Context(), "ZGVhZC5sZXR0ZXJz", []byte("of one that was killed")); err != nil {
		t.Fatal(err)
	}
	logtest.AKilledHolderIsWaitedFor(t, s)
}

func TestALivingHolderIsNotWaitedFor(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	logtest.ALivingHolderIsNotWaitedFor(t, lockable(t))
}
