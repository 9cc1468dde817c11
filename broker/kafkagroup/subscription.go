package kafkagroup

import (
	"encoding/binary"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"
	groupdata "github.com/segmentio/kafka-go/protocol/consumer"
)

// metadataVersion is the version of what members tell each other through the coordinator.
const metadataVersion = 0

func encodeSubscription(topics []string) ([]byte, error) {
	b, err := protocol.Marshal(metadataVersion, groupdata.Subscription{Version: metadataVersion, Topics: topics})
	if err != nil {
		return nil, fmt.Errorf("encode subscription: %w", err)
	}
	return b, nil
}

func DecodeSubscription(b []byte) (topics []string, err error) {
	defer recoverDecode(&err)
	var s groupdata.Subscription
	if err := protocol.Unmarshal(b, versionOf(b), &s); err != nil {
		return nil, fmt.Errorf("decode a member's subscription: %w", err)
	}
	return s.Topics, nil
}

// DecodeAssignment reads what this member is given, and among how many members the leader has divided the work: 1 if a
// leader of another make does not say.
func DecodeAssignment(b []byte) (partitions map[string][]int, replicas int, err error) {
	defer recoverDecode(&err)
	partitions, replicas = map[string][]int{}, 1
	if len(b) == 0 {
		return partitions, replicas, nil
	}
	var a groupdata.Assignment
	if err := protocol.Unmarshal(b, versionOf(b), &a); err != nil {
		return nil, 0, fmt.Errorf("decode the assignment: %w", err)
	}
	if len(a.UserData) == 4 {
		replicas = max(1, int(binary.BigEndian.Uint32(a.UserData)))
	}
	for _, t := range a.AssignedPartitions {
		for _, p := range t.Partitions {
			partitions[t.Topic] = append(partitions[t.Topic], int(p))
		}
	}
	return partitions, replicas, nil
}

func EncodeAssignment(partitions map[string][]int, replicas int) ([]byte, error) {
	a := groupdata.Assignment{Version: metadataVersion, UserData: binary.BigEndian.AppendUint32(nil, uint32(replicas))}
	for topic, ids := range partitions {
		t := groupdata.TopicPartition{Topic: topic}
		for _, id := range ids {
			t.Partitions = append(t.Partitions, int32(id))
		}
		a.AssignedPartitions = append(a.AssignedPartitions, t)
	}
	b, err := protocol.Marshal(metadataVersion, a)
	if err != nil {
		return nil, fmt.Errorf("encode an assignment: %w", err)
	}
	return b, nil
}

// versionOf is the version that encoded group data begins with, as far as the library knows it; later versions only add
// to the end.
func versionOf(b []byte) int16 {
	if len(b) < 2 {
		return 0
	}
	return min(int16(binary.BigEndian.Uint16(b)), groupdata.MaxVersionSupported)
}

func recoverDecode(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("malformed data from the broker: %v", r)
	}
}
