package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
)

// Extents finds where the records between two times stand on every partition of the topics that are read, in the order
// of topics and partitions. A time stands where the first record is that is not before it, as the cluster tells. The
// end of a log is where the first open transaction begins. Extents does not join the group and changes nothing.
func Extents(ctx context.Context, k *broker.Kafka, config Config, between consumer.Bounds) ([]consumer.Extent, error) {
	c := &cluster{kafka: k}
	defer c.close()
	_, byBroker, err := c.read(ctx, &config)
	if err != nil {
		return nil, err
	}
	var out []consumer.Extent
	for addr, keys := range byBroker {
		found, err := extentsOf(ctx, k, addr, keys, between)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b consumer.Extent) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out, nil
}

// extentsOf asks a leader where two times stand in each of its partitions.
func extentsOf(ctx context.Context, k *broker.Kafka, addr string, keys []partitionKey, between consumer.Bounds) (
	[]consumer.Extent, error,
) {
	conn, err := k.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ends, err := listOffsets(ctx, conn, keys, logEnd, committedOnly)
	if err != nil {
		return nil, err
	}
	from, err := offsetsAt(ctx, conn, keys, between.From, logStart, ends)
	if err != nil {
		return nil, err
	}
	to, err := offsetsAt(ctx, conn, keys, between.To, logEnd, ends)
	if err != nil {
		return nil, err
	}
	out := make([]consumer.Extent, 0, len(keys))
	for _, key := range keys {
		code := cmp.Or(from[key].code, to[key].code, ends[key].code)
		if code != 0 {
			return nil, fmt.Errorf("list offsets of %s: %w", key, code)
		}
		end := min(to[key].offset, ends[key].offset)
		out = append(out, consumer.Extent{Topic: key.topic, Partition: key.id,
			From: min(from[key].offset, end), End: end})
	}
	return out, nil
}

// offsetsAt is the first offset at or after a time, and the end where there is none. The zero time stands for another
// place of the log.
func offsetsAt(ctx context.Context, conn *broker.KafkaConn, keys []partitionKey, at time.Time, without int64,
	ends map[partitionKey]listed) (map[partitionKey]listed, error) {
	if at.IsZero() && without == logEnd {
		return ends, nil
	}
	which := without
	if !at.IsZero() {
		which = at.UnixMilli()
	}
	found, err := listOffsets(ctx, conn, keys, which, committedOnly)
	for key, l := range found {
		if l.code == 0 && l.offset < 0 {
			found[key] = ends[key]
		}
	}
	return found, err
}

// read is which topics are read, with the number of their partitions, and which partitions each broker leads.
func (c *cluster) read(ctx context.Context, config *Config) (
	counts map[string]int, byBroker map[string][]partitionKey, err error,
) {
	s, err := c.subscription(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	l, err := c.metadata(ctx, s.topics)
	if err != nil {
		return nil, nil, err
	}
	counts, byBroker = map[string]int{}, map[string][]partitionKey{}
	for _, topic := range s.topics {
		if len(l.leaders[topic]) == 0 {
			return nil, nil, fmt.Errorf("topic %s: %w", topic, kafka.UnknownTopicOrPartition)
		}
		counts[topic] = len(l.leaders[topic])
		for _, p := range l.leaders[topic] {
			addr := l.brokers[p.broker]
			if addr == "" {
				return nil, nil, fmt.Errorf("%s/%d: %w", topic, p.partition, kafka.LeaderNotAvailable)
			}
			byBroker[addr] = append(byBroker[addr], partitionKey{topic, p.partition})
		}
	}
	return counts, byBroker, nil
}
