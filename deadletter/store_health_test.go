package deadletter_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	nats "github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/deadletter/jetstream"
)

// A store that cannot store says so to whoever asks, without an address, until it can again.
func TestAStoreSaysThatItCannotStore(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (s storetest.Store, mend func()){
		"file": func(t *testing.T) (storetest.Store, func()) {
			dir := filepath.Join(t.TempDir(), "taken")
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return file.New(deadletter.Config{File: filepath.Join(dir, "letters.jsonl")}, ""), func() {
				if err := os.Remove(dir); err != nil {
					t.Fatal(err)
				}
			}
		},
		"kafka": func(t *testing.T) (storetest.Store, func()) {
			cluster := lettertest.StartKafka(t)
			var mended atomic.Bool
			refused := lettertest.RefuseProduce(cluster, kerr.NotEnoughReplicas.Code,
				func(*kmsg.ProduceRequest) bool { return !mended.Load() })
			return storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic}), func() {
				if refused.Load() == 0 {
					t.Error("nothing was refused")
				}
				mended.Store(true)
			}
		},
		"jetstream": func(t *testing.T) (storetest.Store, func()) {
			js, _ := lettertest.StartNATS(t)
			return jetstream.New(js, deadletter.Config{Subject: "dead"}, ""), func() {
				lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, mend := open(t)
			if err := s.Ready(); err != nil {
				t.Errorf("before anything was stored: %v", err)
			}
			failed := s.Put(t.Context(), lettertest.Failed(1))
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
			lettertest.MustPut(t, s, lettertest.Failed(1))
			if err := s.Ready(); err != nil {
				t.Errorf("after it was mended: %v", err)
			}
		})
	}
}
