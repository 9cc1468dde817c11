package kafkatopic

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/ciobridge/ciobridge/internal/kafkatopic/leaderepoch"
)

// ErrUnknownEnd says that a cluster does not tell how far the log of a leader goes.
var ErrUnknownEnd = errors.New("the cluster does not tell how far the log of a leader goes")

// LogEnd is the offset after the last record that the leader of a partition has. Those that its replicas lack are shown
// to nobody yet, and the end that Bounds tells lies before them; but they may be shown later, although the one who
// wrote them was told of a failure. It returns ErrUnknownEnd where the cluster does not tell.
func LogEnd(ctx context.Context, client *kafka.Client, topic string, partition int) (int64, error) {
	epoch, err := leaderEpoch(ctx, client, topic, partition)
	if err != nil {
		return 0, err
	}
	res, err := client.Transport.RoundTrip(ctx, client.Addr, &leaderepoch.Request{
		ReplicaID: -1, Topics: []leaderepoch.RequestTopic{{Name: topic, Partitions: []leaderepoch.RequestPartition{
			{Partition: int32(partition), CurrentLeaderEpoch: epoch, LeaderEpoch: epoch},
		}}},
	})
	if err != nil {
		if ctx.Err() != nil {
			return 0, err
		}
		return 0, errors.Join(ErrUnknownEnd, err)
	}
	answer, ok := res.(*leaderepoch.Response)
	if !ok || len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return 0, ErrUnknownEnd
	}
	p := answer.Topics[0].Partitions[0]
	switch code := kafka.Error(p.ErrorCode); {
	case code == kafka.UnsupportedVersion, IsDenied(code):
		return 0, errors.Join(ErrUnknownEnd, code)
	case code != 0:
		return 0, code
	case p.LeaderEpoch != epoch || p.EndOffset < 0: // nothing was written in that epoch, or it is not kept
		return 0, ErrUnknownEnd
	}
	return p.EndOffset, nil
}

// leaderEpoch is the epoch of the leader, as far as the client knows. An older one is refused by the leader.
func leaderEpoch(ctx context.Context, client *kafka.Client, topic string, partition int) (int32, error) {
	res, err := client.Transport.RoundTrip(ctx, client.Addr, &metadata.Request{TopicNames: []string{topic}})
	if err != nil {
		return 0, err
	}
	answer, ok := res.(*metadata.Response)
	if !ok {
		return 0, ErrUnknownEnd
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if t.Name == topic && p.PartitionIndex == int32(partition) {
				return p.LeaderEpoch, nil
			}
		}
	}
	return 0, kafka.UnknownTopicOrPartition
}
