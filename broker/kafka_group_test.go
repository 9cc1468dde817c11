package broker_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	groupdata "github.com/segmentio/kafka-go/protocol/consumer"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/kafkagroup"
)

// subscriptionOf is what a member writes that wants those topics, as the leader of its group gets it.
func subscriptionOf(t *testing.T, topics ...string) (b []byte) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	conn, err := broker.NewKafka(broker.KafkaConfig{Brokers: cluster.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	coordinator := &kafkagroup.Coordinator{Dial: conn.Dial, Find: func(context.Context) (string, error) {
		return conn.Brokers()[0], nil
	}}
	t.Cleanup(coordinator.Close)
	member := kafkagroup.NewMember(kafkagroup.Config{Group: "group", Protocol: "range", Topics: topics,
		SessionTimeout: 6 * time.Second, RebalanceTimeout: 6 * time.Second, SyncTimeout: 6 * time.Second,
	}, coordinator, coordinator)
	_, err = member.Join(t.Context(), func(_ context.Context, all []kafkagroup.Subscriber) (map[string][]byte, error) {
		if len(all) != 1 {
			t.Errorf("the group has %d members", len(all))
		}
		b = all[0].Subscription
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSubscriptionsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	want := []string{"a", "b"}
	b := subscriptionOf(t, want...)
	if got, err := kafkagroup.DecodeSubscription(b); err != nil || !slices.Equal(got, want) {
		t.Errorf("read %q, %v", got, err)
	}
	for n := range b {
		if got, err := kafkagroup.DecodeSubscription(b[:n]); err == nil {
			t.Errorf("%d bytes of %d are read as %q", n, len(b), got)
		}
	}
}

// Members of other makes write later versions, which say more behind what is read.
func TestSubscriptionOfAnotherMake(t *testing.T) {
	b, err := protocol.Marshal(1, groupdata.Subscription{
		Version: 1, Topics: []string{"a"}, UserData: []byte("x"),
		OwnedPartitions: []groupdata.TopicPartition{{Topic: "a", Partitions: []int32{1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := kafkagroup.DecodeSubscription(b); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestAssignmentsAreReadAsTheyWereWritten(t *testing.T) {
	want := map[string][]int{"a": {0, 2}, "b": {1}}
	b, err := kafkagroup.EncodeAssignment(want, 3)
	if err != nil {
		t.Fatal(err)
	}
	got, replicas, err := kafkagroup.DecodeAssignment(b)
	if err != nil || replicas != 3 || !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("read %v among %d, %v", got, replicas, err)
	}
}

// A leader of another make gives nothing to a member by an empty text, and does not say how many members there are.
func TestAssignmentOfAnotherMake(t *testing.T) {
	if got, replicas, err := kafkagroup.DecodeAssignment(nil); err != nil || replicas != 1 || len(got) != 0 {
		t.Errorf("nothing is read as %v among %d, %v", got, replicas, err)
	}
	b, err := protocol.Marshal(1, groupdata.Assignment{
		Version: 1, AssignedPartitions: []groupdata.TopicPartition{{Topic: "a", Partitions: []int32{4}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, replicas, err := kafkagroup.DecodeAssignment(b)
	if err != nil || replicas != 1 || !maps.EqualFunc(got, map[string][]int{"a": {4}}, slices.Equal) {
		t.Errorf("read %v among %d, %v", got, replicas, err)
	}
}

// What members tell each other comes from programs of any make: it is read or refused.
func FuzzGroupData(f *testing.F) {
	subscription, _ := protocol.Marshal(0, groupdata.Subscription{Topics: []string{"a"}})
	assignment, _ := kafkagroup.EncodeAssignment(map[string][]int{"a": {0}}, 1)
	f.Add(subscription)
	f.Add(assignment)
	f.Add([]byte("\x00\x01a\xff\xff\xff\x00")) // many topics, if it were believed
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = kafkagroup.DecodeSubscription(b)
		if _, replicas, err := kafkagroup.DecodeAssignment(b); err == nil && replicas < 1 {
			t.Errorf("%d replicas", replicas)
		}
	})
}
