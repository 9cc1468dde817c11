package deadletter_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/internal/kafkatopic/electedtest"
)

func TestKafkaScanOutlivesAPassingFault(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t)
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic})
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, 10)...)
	var faults atomic.Int32
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if faults.Add(1) > 2 {
			return nil, nil, false
		}
		return nil, errors.New("the broker closes the connection"), true
	})
	letters, _, _ := logtest.ScanAll(t, s)
	if len(letters) != 10 || faults.Load() < 3 {
		t.Errorf("%d letters after %d fetches", len(letters), faults.Load())
	}
}

// What a leader that was just elected does not show yet is waited for, and not passed over: a purge would lose it.
func TestKafkaWaitsForALeaderThatWasJustElected(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t, kfake.SeedTopics(1, "one"))
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "one"})
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, 4)...)
	empty := electedtest.Hide(cluster, 2)
	if letters, _, _ := logtest.ScanAll(t, s); len(letters) != 4 || empty.Load() < 3 {
		t.Errorf("%d letters after %d fetches", len(letters), empty.Load())
	}
}

func TestKafkaSkipsWhatRetentionHasTaken(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t, kfake.SeedTopics(1, "one"))
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "one"})
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, 10)...)
	letters, _, _ := logtest.ScanAll(t, s)
	admin := kafkaClient(t, cluster)
	req := kmsg.NewDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = "one"
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Offset = 4
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	if _, err := req.RequestWith(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if left, _, _ := logtest.ScanAll(t, s); len(left) != 6 {
		t.Errorf("%d letters are left, want 6", len(left))
	}
	if _, err := s.Read(t.Context(), letters[0].Position); !errors.Is(err, deadletter.ErrGone) {
		t.Errorf("got %v", err)
	}
}
