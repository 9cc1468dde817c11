package deadletter_test

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

func TestKafkaSaysWhyALetterIsNotStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code int16
		want error
	}{
		"replicas":       {kerr.NotEnoughReplicas.Code, deadletter.ErrNotEnoughReplicas},
		"after append":   {kerr.NotEnoughReplicasAfterAppend.Code, deadletter.ErrNotEnoughReplicas},
		"denied":         {kerr.TopicAuthorizationFailed.Code, deadletter.ErrDenied},
		"gone meanwhile": {kerr.UnknownTopicOrPartition.Code, deadletter.ErrMissing},
		"leader moved":   {kerr.NotLeaderForPartition.Code, deadletter.ErrUnreachable},
		"too large":      {kerr.MessageTooLarge.Code, deadletter.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := lettertest.StartKafka(t)
			s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic})
			var over atomic.Bool
			refused := lettertest.RefuseProduce(cluster, c.code,
				func(*kmsg.ProduceRequest) bool { return !over.Load() })
			if err := lettertest.Put(t, s, lettertest.Failed(1)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if refused.Load() == 0 {
				t.Error("nothing was refused")
			}
			over.Store(true)
			lettertest.MustPut(t, s, lettertest.Failed(1))
			if letters, _, _ := logtest.ScanAll(t, s); len(letters) != 1 {
				t.Errorf("%d letters after the fault, want 1", len(letters))
			}
		})
	}
}

func TestKafkaPutIsAllOrAnError(t *testing.T) {
	cluster := lettertest.StartKafka(t)
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic})
	refused := lettertest.RefuseProduce(cluster, kerr.NotEnoughReplicas.Code, func(r *kmsg.ProduceRequest) bool {
		return r.Topics[0].Partitions[0].Partition == 1
	})
	if err := lettertest.Put(t, s, lettertest.FailedBetween(0, 20)...); !errors.Is(err,
		deadletter.ErrNotEnoughReplicas) ||
		refused.Load() == 0 {
		t.Errorf("got %v with %d refused requests", err, refused.Load())
	}
}

func TestKafkaMissingTopicIsNotMade(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t, kfake.AllowAutoTopicCreation())
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "nowhere"})
	if err := lettertest.Put(t, s, lettertest.Failed(1)); !errors.Is(err, deadletter.ErrMissing) {
		t.Errorf("put: %v", err)
	}
	err := s.Scan(t.Context(), func(deadletter.Record) error { return nil })
	if !errors.Is(err, deadletter.ErrMissing) {
		t.Errorf("scan: %v", err)
	}
	if _, err := s.Check(t.Context()); !errors.Is(err, deadletter.ErrMissing) ||
		!strings.Contains(err.Error(), "create: true") {
		t.Errorf("check: %v", err)
	}
	if cluster.TopicInfo("nowhere") != nil {
		t.Fatal("the topic was made")
	}
	s = storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "nowhere", Create: true, Partitions: 2,
		Retention: 8 * 24 * time.Hour})
	weak, err := s.Check(t.Context())
	if err != nil || len(weak) != 1 || !strings.Contains(weak[0], "one replica") {
		t.Fatalf("check: %q, %v", weak, err)
	}
	lettertest.MustPut(t, s, lettertest.Failed(1))
	made := cluster.TopicInfo("nowhere").Configs
	for name, want := range map[string]string{"retention.ms": "691200000", "cleanup.policy": "delete"} {
		if got := made[name]; got == nil || *got != want {
			t.Errorf("not made with %s %s", name, want)
		}
	}
}

func TestKafkaDownIsUnreachable(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t)
	cfg := deadletter.Config{Topic: lettertest.Topic, Timeout: 2 * time.Second}
	s := storetest.Kafka(t, cluster.ListenAddrs(), cfg)
	lettertest.MustPut(t, s, lettertest.Failed(1))
	cluster.Close()
	begun := time.Now()
	if err := lettertest.Put(t, s, lettertest.Failed(2)); !errors.Is(err, deadletter.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the attempt took %s", took)
	}
}

func TestKafkaHangingIsUnreachable(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t)
	cfg := deadletter.Config{Topic: lettertest.Topic, Timeout: 300 * time.Millisecond}
	s := storetest.Kafka(t, cluster.ListenAddrs(), cfg)
	hanging := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		<-hanging // SleepControl would deadlock where it ends as a request begins
		return nil, nil, false
	})
	begun := time.Now()
	err := lettertest.Put(t, s, lettertest.Failed(2))
	took := time.Since(begun)
	close(hanging)
	if !errors.Is(err, deadletter.ErrUnreachable) || took < 250*time.Millisecond || took > 3*time.Second {
		t.Errorf("got %v after %s", err, took)
	}
}

func TestKafkaCutsWhatTheTopicDoesNotTake(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t)
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic})
	const limit = 20_000
	refused := lettertest.RefuseProduce(cluster, kerr.MessageTooLarge.Code, func(r *kmsg.ProduceRequest) bool {
		return len(r.Topics[0].Partitions[0].Records) > limit
	})
	letters := lettertest.FailedBetween(0, 3)
	for i := range letters { // one partition, one request, which is refused as a whole
		letters[i].Message.Key = []byte("one person")
	}
	letters[1].Message.Value = bytes.Repeat([]byte("x"), 100_000)
	lettertest.MustPut(t, s, letters...)
	got, _, _ := logtest.ScanAll(t, s)
	if len(got) != 3 || refused.Load() < 3 {
		t.Fatalf("%d letters after %d refusals", len(got), refused.Load())
	}
	for i, l := range got {
		if l.ID() != lettertest.ID(i) || (l.Truncated != nil) != (i == 1) {
			t.Errorf("letter %d is %s, cut %v", i, l.ID(), l.Truncated)
		}
	}
	if c := got[1].Truncated; c.Bytes != 100_000 || len(got[1].Message.Value) < limit/4 {
		t.Errorf("cut %v, kept %d bytes", c, len(got[1].Message.Value))
	}
}

// TestKafkaPlacesKeysAsJavaDoes pins the partitions that franz-go's partitioner, which copies Java's, gives the same
// keys. A record without a key goes to its own partition modulo theirs.
func TestKafkaPlacesKeysAsJavaDoes(t *testing.T) {
	t.Parallel()
	const partitions = 7
	cluster := lettertest.StartKafka(t, kfake.SeedTopics(partitions, "seven"))
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "seven"})
	other := kgo.StickyKeyPartitioner(nil).ForTopic("seven")
	keys := []string{"", "a", "ab", "abc", "abcd", "person-1", "ü", "a longer key of a person"}
	want := map[event.ID]int{}
	for n, key := range keys {
		failed := lettertest.Failed(n)
		failed.Message.Key = []byte(key)
		lettertest.MustPut(t, s, failed)
		want[lettertest.ID(n)] = other.Partition(&kgo.Record{Key: []byte(key)}, partitions)
	}
	keyless := lettertest.Failed(len(keys))
	keyless.Message.Key, keyless.Message.Origin.Partition = nil, 9
	lettertest.MustPut(t, s, keyless)
	want[lettertest.ID(len(keys))] = 2
	letters, _, _ := logtest.ScanAll(t, s)
	if len(letters) != len(want) {
		t.Errorf("%d letters of %d", len(letters), len(want))
	}
	for _, l := range letters {
		if got := int(l.Position.Partition); got != want[l.ID()] {
			t.Errorf("key %q goes to %d, want %d", l.Message.Key, got, want[l.ID()])
		}
	}
}
