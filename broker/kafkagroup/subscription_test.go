package kafkagroup

import (
	"maps"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	groupdata "github.com/segmentio/kafka-go/protocol/consumer"
)

func TestSubscriptionsAreReadAsTheyWereWritten(t *testing.T) {
	want := []string{"a", "b"}
	b, err := encodeSubscription(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeSubscription(b); err != nil || !slices.Equal(got, want) {
		t.Errorf("read %q, %v", got, err)
	}
	for n := range b {
		if got, err := DecodeSubscription(b[:n]); err == nil {
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
	if got, err := DecodeSubscription(b); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestAssignmentsAreReadAsTheyWereWritten(t *testing.T) {
	want := map[string][]int{"a": {0, 2}, "b": {1}}
	b, err := EncodeAssignment(want, 3)
	if err != nil {
		t.Fatal(err)
	}
	got, replicas, err := DecodeAssignment(b)
	if err != nil || replicas != 3 || !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("read %v among %d, %v", got, replicas, err)
	}
}

// A leader of another make gives nothing to a member by an empty text, and does not say how many members there are.
func TestAssignmentOfAnotherMake(t *testing.T) {
	if got, replicas, err := DecodeAssignment(nil); err != nil || replicas != 1 || len(got) != 0 {
		t.Errorf("nothing is read as %v among %d, %v", got, replicas, err)
	}
	b, err := protocol.Marshal(1, groupdata.Assignment{
		Version: 1, AssignedPartitions: []groupdata.TopicPartition{{Topic: "a", Partitions: []int32{4}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, replicas, err := DecodeAssignment(b)
	if err != nil || replicas != 1 || !maps.EqualFunc(got, map[string][]int{"a": {4}}, slices.Equal) {
		t.Errorf("read %v among %d, %v", got, replicas, err)
	}
}

// What members tell each other comes from programs of any make: it is read or refused.
func FuzzDecode(f *testing.F) {
	subscription, _ := encodeSubscription([]string{"a"})
	assignment, _ := EncodeAssignment(map[string][]int{"a": {0}}, 1)
	f.Add(subscription)
	f.Add(assignment)
	f.Add([]byte("\x00\x01a\xff\xff\xff\x00")) // many topics, if it were believed
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = DecodeSubscription(b)
		if _, replicas, err := DecodeAssignment(b); err == nil && replicas < 1 {
			t.Errorf("%d replicas", replicas)
		}
	})
}
