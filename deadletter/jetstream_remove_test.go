package deadletter_test

import (
	"errors"
	"testing"
	"time"

	nats "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/jetstream"
)

// removable is a store in a stream, with two letters, and the first record as it was read.
func removable(t *testing.T, cfg nats.StreamConfig) (*jetstream.Store, deadletter.Seen) {
	t.Helper()
	js, _ := lettertest.StartNATS(t)
	cfg.Name, cfg.Subjects = "DEAD", []string{"dead"}
	lettertest.MakeStream(t, js, cfg)
	s := jetstream.New(js, deadletter.Config{Subject: "dead"}, "")
	lettertest.MustPut(t, s, lettertest.Failed(1))
	lettertest.MustPut(t, s, lettertest.Failed(2))
	at := deadletter.Position{Offset: 1}
	r, err := s.Read(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return s, deadletter.Seen{At: at, Time: r.Time}
}

// The server drops a repeat within its window, though what it repeats was removed: the letter would be lost.
func TestJetStreamTakesARemovedLetterAgain(t *testing.T) {
	t.Parallel()
	s, first := removable(t, nats.StreamConfig{})
	if err := s.Remove(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	lettertest.MustPut(t, s, lettertest.Failed(1), lettertest.Failed(2))
	if letters, _, _ := logtest.ScanAll(t, s); len(letters) != 2 || letters[1].ID() != lettertest.ID(1) {
		t.Errorf("%d letters, want the one that was removed, behind the one that was not", len(letters))
	}
}

func TestJetStreamSaysThatItMayNotRemove(t *testing.T) {
	s, first := removable(t, nats.StreamConfig{DenyDelete: true})
	for _, records := range [][]deadletter.Seen{nil, {first}} {
		if err := s.Remove(t.Context(), records...); !errors.Is(err, deadletter.ErrKeeps) {
			t.Errorf("got %v", err)
		}
	}
}

// A sequence that another message has, because the stream was made anew, is passed over, and so is one without any.
func TestJetStreamRemovesOnlyWhatWasSeen(t *testing.T) {
	s, first := removable(t, nats.StreamConfig{})
	other := deadletter.Seen{At: first.At, Time: first.Time.Add(time.Second)}
	gone := deadletter.Seen{At: deadletter.Position{Offset: 9}, Time: first.Time}
	if err := s.Remove(t.Context(), other, gone); err != nil {
		t.Fatal(err)
	}
	if letters, _, _ := logtest.ScanAll(t, s); len(letters) != 2 {
		t.Errorf("%d letters are left", len(letters))
	}
}
