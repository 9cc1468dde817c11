package kafka

import (
	"context"
	"fmt"
	"strconv"

	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"github.com/ciobridge/ciobridge/broker/kafkagroup"
)

// partitionKey names a partition.
type partitionKey struct {
	topic string
	id    int32
}

// commit writes offsets for the group, as a member of a generation or from outside. The first error among the partitions is
// returned; the others have been written. Limit is how much metadata goes with each partition.
func (m *member) commit(ctx context.Context, g kafkagroup.Generation, offsets map[partitionKey]checkpoint, limit int) error {
	byTopic := map[string][]offsetcommit.RequestPartition{}
	for key, c := range offsets {
		log := ""
		if len(c.acked) > 0 {
			log = m.cluster.logName(key)
		}
		byTopic[key.topic] = append(byTopic[key.topic], offsetcommit.RequestPartition{
			PartitionIndex: key.id, CommittedOffset: c.offset, CommittedLeaderEpoch: -1, CommittedMetadata: c.metadata(log, limit),
		})
	}
	req := &offsetcommit.Request{GroupID: m.config.Group, GenerationID: g.ID, MemberID: g.Member, RetentionTimeMs: -1}
	for topic, partitions := range byTopic {
		req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: topic, Partitions: partitions})
	}
	res, err := m.coordinator.Call(ctx, m.requestLimit(), req)
	if err != nil {
		return fmt.Errorf("commit offsets: %w", err)
	}
	for _, t := range res.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if err := m.group.Check("commit the offset of "+t.Name+"/"+strconv.Itoa(int(p.PartitionIndex)), p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkpoints reads what the group has committed for partitions of the counts given by topic.
func (m *member) checkpoints(ctx context.Context, counts map[string]int) (map[partitionKey]checkpoint, error) {
	req := &offsetfetch.Request{GroupID: m.config.Group}
	for topic, count := range counts {
		t := offsetfetch.RequestTopic{Name: topic}
		for id := range count {
			t.PartitionIndexes = append(t.PartitionIndexes, int32(id))
		}
		req.Topics = append(req.Topics, t)
	}
	res, err := m.coordinator.Call(ctx, m.requestLimit(), req)
	if err != nil {
		return nil, fmt.Errorf("read committed offsets: %w", err)
	}
	r := res.(*offsetfetch.Response)
	if err := m.group.Check("read committed offsets", r.ErrorCode); err != nil {
		return nil, err
	}
	out := map[partitionKey]checkpoint{}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			// An error is never taken for "nothing committed": that would start over, or skip.
			if err := m.group.Check("read the committed offset of "+t.Name+"/"+strconv.Itoa(int(p.PartitionIndex)), p.ErrorCode); err != nil {
				return nil, err
			}
			key := partitionKey{t.Name, p.PartitionIndex}
			out[key] = parseCheckpoint(m.cluster.logName(key), p.CommittedOffset, p.Metadata)
		}
	}
	return out, nil
}

// addedLater reports whether a partition without a committed offset came into being after the group had begun to read its topic:
// another partition's commit was made when the topic had fewer partitions.
func addedLater(key partitionKey, all map[partitionKey]checkpoint) bool {
	for other, c := range all {
		if other.topic == key.topic && c.offset >= 0 && c.partitions > 0 && int(key.id) >= c.partitions {
			return true
		}
	}
	return false
}
