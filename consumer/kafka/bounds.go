package kafka

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
)

// What ListOffsets takes in place of a time.
const (
	logStart = -2
	logEnd   = -1
)

const (
	uncommittedToo = 0 // isolation: up to the high watermark
	committedOnly  = 1 // isolation: up to the first open transaction
)

// listed is one answer of ListOffsets.
type listed struct {
	offset int64
	code   kafka.Error
}

// listOffsets asks a leader for an offset of each partition: the log's start or end, or the first at or after a time in
// milliseconds (-1 when there is none).
func listOffsets(ctx context.Context, conn *broker.KafkaConn, keys []partitionKey, at int64,
	isolation int8) (map[partitionKey]listed, error) {
	byTopic := map[string][]listoffsets.RequestPartition{}
	for _, key := range keys {
		byTopic[key.topic] = append(byTopic[key.topic], listoffsets.RequestPartition{
			Partition: key.id, CurrentLeaderEpoch: -1, Timestamp: at,
		})
	}
	req := &listoffsets.Request{ReplicaID: -1, IsolationLevel: isolation}
	for topic, partitions := range byTopic {
		req.Topics = append(req.Topics, listoffsets.RequestTopic{Topic: topic, Partitions: partitions})
	}
	res, err := conn.RoundTrip(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	out := map[partitionKey]listed{}
	for _, t := range res.(*listoffsets.Response).Topics {
		for _, p := range t.Partitions {
			out[partitionKey{t.Topic, p.Partition}] = listed{p.Offset, kafka.Error(p.ErrorCode)}
		}
	}
	for _, key := range keys {
		if _, ok := out[key]; !ok {
			return nil, fmt.Errorf("list offsets: %w", wire.ErrAnswer)
		}
	}
	return out, nil
}

// bounds is the extent of a partition's log, and where reading begins where nothing is committed.
type bounds struct {
	start, end int64
	startAt    int64
	code       kafka.Error
}

// listBounds asks a leader for the bounds of partitions.
func listBounds(ctx context.Context, conn *broker.KafkaConn, keys []partitionKey,
	begin consumer.StartAt) (map[partitionKey]bounds, error) {
	starts, err := listOffsets(ctx, conn, keys, logStart, uncommittedToo)
	if err != nil {
		return nil, err
	}
	ends, err := listOffsets(ctx, conn, keys, logEnd, uncommittedToo)
	if err != nil {
		return nil, err
	}
	begins := starts
	switch {
	case begin.Latest:
		begins, err = listOffsets(ctx, conn, keys, logEnd, committedOnly)
	case !begin.At.IsZero():
		begins, err = listOffsets(ctx, conn, keys, begin.At.UnixMilli(), committedOnly)
	}
	if err != nil {
		return nil, err
	}
	out := make(map[partitionKey]bounds, len(keys))
	for _, key := range keys {
		b := bounds{start: starts[key].offset, end: ends[key].offset, startAt: begins[key].offset}
		for _, l := range []listed{starts[key], ends[key], begins[key]} {
			if l.code != 0 {
				b.code = l.code
			}
		}
		if b.startAt < 0 { // no record at or after the time
			b.startAt = b.end
		}
		out[key] = b
	}
	return out, nil
}
