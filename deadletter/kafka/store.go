package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/seal"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
)

// Store keeps dead letters in a topic.
//
// It produces with acks=all through kafka.Client. A kafka.Writer would not do: it may wait, tries again by itself, goes
// on when its context has ended, and fails a whole call for one record that is too large. A record goes to the
// partition that the Java client's default partitioner gives its key. A record without a key goes to the partition
// whose number it came from, so that such records keep their order too.
type Store struct {
	health     deadletter.Health
	broker     *broker.Kafka
	client     *kafka.Client
	topic      string
	cfg        deadletter.Config
	configHash string
	sealer     *seal.Sealer

	mu      sync.Mutex
	fetched map[int32][]deadletter.Record // by partition, what the last fetch of Read brought
}

// New keeps letters in cfg.Topic. ConfigHash names the configuration in the letters.
func New(b *broker.Kafka, cfg deadletter.Config, configHash string) *Store {
	cfg = cfg.WithDefaults()
	sealer := seal.New(cfg.KeysFile)
	if sealer != nil {
		cfg.MaxBytes -= seal.Room
	}
	return &Store{
		health: deadletter.Health{Place: "topic " + cfg.Topic},
		broker: b, client: b.Client(), topic: cfg.Topic, cfg: cfg, configHash: configHash,
		sealer: sealer, fetched: map[int32][]deadletter.Record{},
	}
}

// Ready says since when and why nothing can be stored, as deadletter.Health does.
func (k *Store) Ready() error { return k.health.Ready() }

// placed is a record and the partition that it goes to.
type placed struct {
	record    deadletter.Record
	partition int
}

// Put stores failed messages as letters, on all in-sync replicas.
func (k *Store) Put(ctx context.Context, failed ...event.FailedMessage) error {
	now := time.Now()
	return k.write(ctx, "put letters", len(failed), func(i, partitions int) placed {
		f := &failed[i]
		return placed{deadletter.Encode(f, now, k.configHash), partitionOf(f.Message.Key, f.Message.Origin, partitions)}
	})
}

// Resolve stores resolutions on all in-sync replicas.
func (k *Store) Resolve(ctx context.Context, resolutions ...deadletter.Resolution) error {
	now := time.Now()
	return k.write(ctx, "resolve letters", len(resolutions), func(i, partitions int) placed {
		r := &resolutions[i]
		return placed{deadletter.EncodeResolution(r, now), partitionOf(r.Key, r.Origin, partitions)}
	})
}

// write produces n records, those of a partition in order, and waits for all.
func (k *Store) write(ctx context.Context, doing string, n int, record func(i, partitions int) placed) (err error) {
	if n == 0 {
		return nil
	}
	defer func() { k.health.Note(ctx, err) }()
	attempt, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	topic, err := k.describe(attempt)
	if err != nil {
		return fmt.Errorf("%s: topic %s: %w", doing, k.topic, kafkaError(ctx, err))
	}
	byPartition := map[int][]deadletter.Record{}
	for i := range n {
		p := record(i, len(topic.Partitions))
		byPartition[p.partition] = append(byPartition[p.partition], p.record)
	}
	group, attempt := errgroup.WithContext(attempt)
	for partition, records := range byPartition {
		group.Go(func() error { return k.produce(attempt, partition, records) })
	}
	if err := group.Wait(); err != nil {
		err = broker.NeedsTopic(err, "Write", k.topic)
		return fmt.Errorf("%s: topic %s: %w", doing, k.topic, kafkaError(ctx, err))
	}
	return nil
}

// produce stores records in requests under the limit, one after the other.
func (k *Store) produce(ctx context.Context, partition int, records []deadletter.Record) error {
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && (n == 0 || size+records[n].Size() <= k.cfg.MaxBytes) {
			size += records[n].Size()
			n++
		}
		if err := k.request(ctx, partition, records[:n], k.cfg.MaxBytes); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// request stores records in one request. If they are too large together they are stored one by one, and one that is too
// large is made to fit into half its size, and half again.
func (k *Store) request(ctx context.Context, partition int, records []deadletter.Record, limit int) error {
	if len(records) == 1 && records[0].Size() > limit {
		return k.requestParts(ctx, partition, records[0], limit)
	}
	err := k.send(ctx, partition, records)
	if !kafkatopic.IsTooLarge(err) {
		return err
	}
	if len(records) == 1 {
		return k.requestParts(ctx, partition, records[0], records[0].Size()/2)
	}
	for i := range records {
		if err := k.request(ctx, partition, records[i:i+1], limit); err != nil {
			return err
		}
	}
	return nil
}

// requestParts stores a record that is larger than the limit.
func (k *Store) requestParts(ctx context.Context, partition int, r deadletter.Record, limit int) error {
	parts, err := deadletter.Fit(r, limit, (*deadletter.Record).Size)
	if err != nil {
		return err
	}
	for i := range parts {
		err := k.send(ctx, partition, parts[i:i+1])
		if kafkatopic.IsTooLarge(err) {
			return k.requestParts(ctx, partition, r, limit/2)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *Store) send(ctx context.Context, partition int, records []deadletter.Record) error {
	// Copies, because a request whose answer is not waited for to the end may be encoded when the message's memory is
	// used again.
	batch := make([]kafka.Record, len(records))
	for i, r := range records {
		r, err := k.sealer.Seal(r)
		if err != nil {
			return err
		}
		headers := make([]kafka.Header, len(r.Headers))
		for j, h := range r.Headers {
			headers[j] = kafka.Header{Key: h.Key, Value: bytes.Clone(h.Value)}
		}
		batch[i] = kafka.Record{
			Time: r.Time, Headers: headers,
			Key: kafka.NewBytes(bytes.Clone(r.Key)), Value: kafka.NewBytes(bytes.Clone(r.Value)),
		}
	}
	_, err := kafkatopic.Produce(ctx, k.client, k.topic, partition, batch...)
	return err
}

// partitionOf places a record as the Java client and librdkafka's murmur2 do.
func partitionOf(key []byte, origin event.Origin, partitions int) int {
	if key == nil {
		return int(uint32(origin.Partition) % uint32(partitions))
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, upTo(partitions)...)
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func (k *Store) describe(ctx context.Context) (kafka.Topic, error) {
	return kafkatopic.Describe(ctx, k.client, k.topic)
}

// withAddresses is kafkaError, with the addresses that were tried if nobody could be reached.
func (k *Store) withAddresses(ctx context.Context, err error) error {
	if err = kafkaError(ctx, err); errors.Is(err, deadletter.ErrUnreachable) {
		return fmt.Errorf("brokers %s: %w", k.client.Addr, err)
	}
	return err
}

// kafkaError tells what an error means by one of the errors of package deadletter. The end of the caller's context is
// not the store's fault.
func kafkaError(ctx context.Context, err error) error {
	meaning := deadletter.ErrUnreachable
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, deadletter.ErrTooLarge), errors.Is(err, deadletter.ErrGone),
		errors.Is(err, deadletter.ErrKeeps):
		return err
	case kafkatopic.IsMissing(err):
		meaning = deadletter.ErrMissing
	case kafkatopic.IsDenied(err):
		meaning = deadletter.ErrDenied
	case errors.Is(err, kafka.NotEnoughReplicas), errors.Is(err, kafka.NotEnoughReplicasAfterAppend):
		meaning = deadletter.ErrNotEnoughReplicas
	case kafkatopic.IsTooLarge(err):
		meaning = deadletter.ErrTooLarge
	}
	return fmt.Errorf("%w: %w", meaning, err)
}
