package deadletter

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

	"github.com/ciobridge/ciobridge/event"
)

// refuseProduce answers every produce request with an error and counts them.
func refuseProduce(cluster *kfake.Cluster, code int16, when func(*kmsg.ProduceRequest) bool) *atomic.Int32 {
	var refused atomic.Int32
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		produce := req.(*kmsg.ProduceRequest)
		if !when(produce) {
			return nil, nil, false
		}
		refused.Add(1)
		res := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			t := kmsg.NewProduceResponseTopic()
			t.Topic = topic.Topic
			for _, partition := range topic.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.ErrorCode = partition.Partition, code
				t.Partitions = append(t.Partitions, p)
			}
			res.Topics = append(res.Topics, t)
		}
		return res, nil, true
	})
	return &refused
}

func TestKafkaSaysWhyALetterIsNotStored(t *testing.T) {
	for name, c := range map[string]struct {
		code int16
		want error
	}{
		"replicas":       {kerr.NotEnoughReplicas.Code, ErrNotEnoughReplicas},
		"after append":   {kerr.NotEnoughReplicasAfterAppend.Code, ErrNotEnoughReplicas},
		"denied":         {kerr.TopicAuthorizationFailed.Code, ErrDenied},
		"gone meanwhile": {kerr.UnknownTopicOrPartition.Code, ErrMissing},
		"leader moved":   {kerr.NotLeaderForPartition.Code, ErrUnreachable},
		"too large":      {kerr.MessageTooLarge.Code, ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := startKafka(t)
			s := newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic})
			var over atomic.Bool
			refused := refuseProduce(cluster, c.code, func(*kmsg.ProduceRequest) bool { return !over.Load() })
			if err := s.Put(t.Context(), testLetter(1)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if refused.Load() == 0 {
				t.Error("nothing was refused")
			}
			over.Store(true)
			mustPut(t, s, testLetter(1))
			if letters, _, _ := scanAll(t, s); len(letters) != 1 {
				t.Errorf("%d letters after the fault, want 1", len(letters))
			}
		})
	}
}

func TestKafkaPutIsAllOrAnError(t *testing.T) {
	cluster := startKafka(t)
	s := newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic})
	refused := refuseProduce(cluster, kerr.NotEnoughReplicas.Code, func(r *kmsg.ProduceRequest) bool {
		return r.Topics[0].Partitions[0].Partition == 1
	})
	if err := s.Put(t.Context(), testLetters(0, 20)...); !errors.Is(err, ErrNotEnoughReplicas) || refused.Load() == 0 {
		t.Errorf("got %v with %d refused requests", err, refused.Load())
	}
}

func TestKafkaMissingTopicIsNotMade(t *testing.T) {
	cluster := startKafka(t, kfake.AllowAutoTopicCreation())
	s := newKafka(t, cluster.ListenAddrs(), Config{Topic: "nowhere"})
	if err := s.Put(t.Context(), testLetter(1)); !errors.Is(err, ErrMissing) {
		t.Errorf("put: %v", err)
	}
	if err := s.Scan(t.Context(), func(Record) error { return nil }); !errors.Is(err, ErrMissing) {
		t.Errorf("scan: %v", err)
	}
	if _, err := s.Check(t.Context()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "create: true") {
		t.Errorf("check: %v", err)
	}
	if cluster.TopicInfo("nowhere") != nil {
		t.Fatal("the topic was made")
	}
	s = newKafka(t, cluster.ListenAddrs(), Config{Topic: "nowhere", Create: true, Partitions: 2, Retention: 8 * 24 * time.Hour})
	weak, err := s.Check(t.Context())
	if err != nil || len(weak) != 1 || !strings.Contains(weak[0], "one replica") {
		t.Fatalf("check: %q, %v", weak, err)
	}
	mustPut(t, s, testLetter(1))
	settings, err := s.settings(t.Context())
	if err != nil || settings["retention.ms"] != "691200000" || settings["cleanup.policy"] != "delete" {
		t.Errorf("made with %v, %v", settings, err)
	}
}

func TestKafkaDownIsUnreachable(t *testing.T) {
	cluster := startKafka(t)
	s := newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic, Timeout: 300 * time.Millisecond})
	mustPut(t, s, testLetter(1))
	cluster.Close()
	begun := time.Now()
	if err := s.Put(t.Context(), testLetter(2)); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the attempt took %s", took)
	}
}

func TestKafkaHangingIsUnreachable(t *testing.T) {
	cluster := startKafka(t)
	s := newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic, Timeout: 300 * time.Millisecond})
	hanging := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() { <-hanging })
		return nil, nil, false
	})
	begun := time.Now()
	err := s.Put(t.Context(), testLetter(2))
	took := time.Since(begun)
	close(hanging)
	if !errors.Is(err, ErrUnreachable) || took < 250*time.Millisecond || took > 3*time.Second {
		t.Errorf("got %v after %s", err, took)
	}
}

func TestKafkaCutsWhatTheTopicDoesNotTake(t *testing.T) {
	cluster := startKafka(t)
	s := newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic})
	const limit = 20_000
	refused := refuseProduce(cluster, kerr.MessageTooLarge.Code, func(r *kmsg.ProduceRequest) bool {
		return len(r.Topics[0].Partitions[0].Records) > limit
	})
	letters := testLetters(0, 3)
	for i := range letters { // one partition, one request, which is refused as a whole
		letters[i].Message.Key = []byte("one person")
	}
	letters[1].Message.Value = bytes.Repeat([]byte("x"), 100_000)
	mustPut(t, s, letters...)
	got, _, _ := scanAll(t, s)
	if len(got) != 3 || refused.Load() < 3 {
		t.Fatalf("%d letters after %d refusals", len(got), refused.Load())
	}
	for i, l := range got {
		if l.ID() != testID(i) || (l.Truncated != nil) != (i == 1) {
			t.Errorf("letter %d is %s, cut %v", i, l.ID(), l.Truncated)
		}
	}
	if c := got[1].Truncated; c.Bytes != 100_000 || len(got[1].Message.Value) < limit/4 {
		t.Errorf("cut %v, kept %d bytes", c, len(got[1].Message.Value))
	}
}

// TestKafkaPlacesKeysAsJavaDoes pins the partitions that franz-go's partitioner, which copies Java's, gives the same keys.
func TestKafkaPlacesKeysAsJavaDoes(t *testing.T) {
	const partitions = 7
	other := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	for _, key := range []string{"", "a", "ab", "abc", "abcd", "person-1", "ü", "a longer key of a person"} {
		want := other.Partition(&kgo.Record{Key: []byte(key)}, partitions)
		if got := partitionOf([]byte(key), event.Origin{}, partitions); got != want {
			t.Errorf("key %q goes to %d, Java's to %d", key, got, want)
		}
	}
	if got := partitionOf(nil, event.Origin{Partition: 9}, partitions); got != 2 {
		t.Errorf("a record without a key goes to %d, want its own partition modulo theirs", got)
	}
}
