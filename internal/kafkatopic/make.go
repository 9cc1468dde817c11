package kafkatopic

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// Make makes a topic, unless it is there already. Of partitions and replicas 0 is the broker's own default.
func Make(ctx context.Context, client *kafka.Client, topic string, partitions, replicas int,
	settings ...kafka.ConfigEntry) error {
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: orDefault(partitions), ReplicationFactor: orDefault(replicas),
		ConfigEntries: settings,
	}}})
	if err == nil {
		err = res.Errors[topic]
	}
	if errors.Is(err, kafka.TopicAlreadyExists) {
		return nil
	}
	return err
}

// orDefault is the number as a request has it, from version 4 on.
func orDefault(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// Await waits until a topic that was just made can be described and the leader of the partition answers, or ctx ends.
func Await(ctx context.Context, client *kafka.Client, topic string, partition int) (kafka.Topic, error) {
	for {
		described, err := Describe(ctx, client, topic)
		if err == nil {
			_, _, err = Bounds(ctx, client, topic, partition)
		}
		if err == nil || ctx.Err() != nil {
			return described, err
		}
		retry.Sleep(ctx, 50*time.Millisecond)
	}
}
