package deadletter

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// readyStore is a store that tells whether it can store.
type readyStore interface {
	Store
	Ready() error
}

// A store that cannot store says so to whoever asks, without an address, until it can again.
func TestAStoreSaysThatItCannotStore(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (s readyStore, mend func()){
		"file": func(t *testing.T) (readyStore, func()) {
			dir := filepath.Join(t.TempDir(), "taken")
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return NewFile(Config{File: filepath.Join(dir, "letters.jsonl")}, ""), func() {
				if err := os.Remove(dir); err != nil {
					t.Fatal(err)
				}
			}
		},
		"kafka": func(t *testing.T) (readyStore, func()) {
			cluster := startKafka(t)
			var mended atomic.Bool
			refused := refuseProduce(cluster, kerr.NotEnoughReplicas.Code, func(*kmsg.ProduceRequest) bool { return !mended.Load() })
			return newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic}), func() {
				if refused.Load() == 0 {
					t.Error("nothing was refused")
				}
				mended.Store(true)
			}
		},
		"jetstream": func(t *testing.T) (readyStore, func()) {
			js, _ := startNATS(t)
			return NewJetStream(js, Config{Subject: "dead"}, ""), func() {
				makeStream(t, js, jetstream.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, mend := open(t)
			if err := s.Ready(); err != nil {
				t.Errorf("before anything was stored: %v", err)
			}
			failed := s.Put(t.Context(), testLetter(1))
			if failed == nil {
				t.Fatal("it was stored")
			}
			err := s.Ready()
			if err == nil || !errors.Is(failed, errors.Unwrap(err)) {
				t.Fatalf("after %v it says %v", failed, err)
			}
			if strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("it names an address: %v", err)
			}
			t.Log(err)
			mend()
			mustPut(t, s, testLetter(1))
			if err := s.Ready(); err != nil {
				t.Errorf("after it was mended: %v", err)
			}
		})
	}
}

func TestWhatMayPass(t *testing.T) {
	for _, c := range []struct {
		err    error
		lasted time.Duration
		want   bool
	}{
		{ErrUnreachable, time.Hour, true}, {ErrMissing, 0, true}, {ErrMissing, missingLimit, false}, {ErrDenied, 0, false},
	} {
		if got := Passing(c.err, c.lasted); got != c.want {
			t.Errorf("%v for %s: %t", c.err, c.lasted, got)
		}
	}
}
