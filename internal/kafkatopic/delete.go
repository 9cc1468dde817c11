package kafkatopic

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/internal/kafkatopic/deleterecords"
)

// deleteTimeout is how long the cluster may take until all replicas have taken the records away.
const deleteTimeout = 10 * time.Second

// DeleteBefore takes the records of a partition that stand before an offset away for good. Where they are gone already
// it does nothing.
func DeleteBefore(ctx context.Context, client *kafka.Client, topic string, partition int, offset int64) error {
	res, err := client.Transport.RoundTrip(ctx, client.Addr, &deleterecords.Request{
		Topics: []deleterecords.RequestTopic{{Name: topic, Partitions: []deleterecords.RequestPartition{
			{Partition: int32(partition), Offset: offset},
		}}},
		TimeoutMs: int32(deleteTimeout.Milliseconds()),
	})
	if err != nil {
		return err
	}
	answer, ok := res.(*deleterecords.Response)
	if !ok || len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return kafka.UnknownTopicOrPartition
	}
	if code := answer.Topics[0].Partitions[0].ErrorCode; code != 0 {
		return kafka.Error(code)
	}
	return nil
}

// KeepsAll reports whether an error of DeleteBefore says that the cluster takes no records away before their time.
func KeepsAll(err error) bool {
	return errors.Is(err, kafka.PolicyViolation) || errors.Is(err, kafka.UnsupportedVersion)
}
