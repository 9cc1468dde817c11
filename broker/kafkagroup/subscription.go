package kafkagroup

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"
	groupdata "github.com/segmentio/kafka-go/protocol/consumer"
)

// metadataVersion is the version of what members tell each other through the coordinator. Later versions only add to
// the end.
const metadataVersion = 0

func encodeSubscription(topics []string) ([]byte, error) {
	b, err := protocol.Marshal(metadataVersion, groupdata.Subscription{Version: metadataVersion, Topics: topics})
	if err != nil {
		return nil, fmt.Errorf("encode subscription: %w", err)
	}
	return b, nil
}

// DecodeSubscription reads which topics a member wants.
func DecodeSubscription(b []byte) (topics []string, err error) {
	r := reader{b: b}
	r.int16() // version
	for range r.count(2) {
		topics = append(topics, r.string())
	}
	r.bytes() // user data
	if r.failed {
		return nil, fmt.Errorf("decode a member's subscription: %w", errMalformed)
	}
	return topics, nil
}

// EncodeAssignment writes what a member is given, and among how many members the work is divided.
func EncodeAssignment(partitions map[string][]int, replicas int) ([]byte, error) {
	a := groupdata.Assignment{
		Version: metadataVersion, UserData: binary.BigEndian.AppendUint32(nil, uint32(replicas)),
	}
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

// DecodeAssignment reads what this member is given, and among how many members the leader has divided the work: 1 if a
// leader of another make does not say.
func DecodeAssignment(b []byte) (partitions map[string][]int, replicas int, err error) {
	partitions, replicas = map[string][]int{}, 1
	if len(b) == 0 {
		return partitions, replicas, nil
	}
	r := reader{b: b}
	r.int16() // version
	for range r.count(6) {
		topic := r.string()
		for range r.count(4) {
			partitions[topic] = append(partitions[topic], int(r.int32()))
		}
	}
	userData := r.bytes()
	if r.failed {
		return nil, 0, fmt.Errorf("decode the assignment: %w", errMalformed)
	}
	if len(userData) == 4 {
		replicas = max(1, int(binary.BigEndian.Uint32(userData)))
	}
	return partitions, replicas, nil
}

var errMalformed = errors.New("malformed data from another member of the group")

// reader reads Kafka's encoding. It takes no memory on the word of a length: another member may have written anything,
// and what the library takes for a length of 2^31 ends the process.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) next(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.b, r.failed = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) int16() int16 {
	if b := r.next(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) int32() int32 {
	if b := r.next(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// count reads the length of an array whose elements take at least size bytes each. Null is an empty array.
func (r *reader) count(size int) int {
	n := int(r.int32())
	if n > len(r.b)/size {
		r.failed = true
		return 0
	}
	return max(n, 0)
}

func (r *reader) string() string { return string(r.next(int(r.int16()))) }

// bytes reads a length and so many bytes; null is nil.
func (r *reader) bytes() []byte {
	n := int(r.int32())
	if n < 0 {
		return nil
	}
	return r.next(n)
}
