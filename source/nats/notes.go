package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	natsjetstream "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/source"
)

// notes are a value in the key-value bucket in which the bridge keeps how far it has read.
type notes struct {
	js     natsjetstream.JetStream
	stream string // whose replicas the bucket gets
	key    string
}

// Notes implements source.Broker: they are the key DURABLE.NAME of the bucket.
func (b *Broker) Notes(name string) consumer.Notes {
	return &notes{b.conn.JetStream(), b.config.Streams[0].Name,
		"notes." + source.PlaceBeside(b.config.Durable, "_-", "") + "." + name}
}

// Load implements consumer.Notes.
func (n *notes) Load(ctx context.Context) ([]consumer.OffsetChange, error) {
	bucket, err := n.js.KeyValue(ctx, jetstream.CheckpointBucket)
	if errors.Is(err, natsjetstream.ErrBucketNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, n.wrong(err)
	}
	entry, err := bucket.Get(ctx, n.key)
	if errors.Is(err, natsjetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, n.wrong(err)
	}
	var noted []consumer.OffsetChange
	if err := json.Unmarshal(entry.Value(), &noted); err != nil {
		return nil, n.wrong(err)
	}
	return noted, nil
}

// Store implements consumer.Notes. It makes the bucket where no bridge has made it.
func (n *notes) Store(ctx context.Context, changes []consumer.OffsetChange) error {
	bucket, err := n.js.KeyValue(ctx, jetstream.CheckpointBucket)
	if errors.Is(err, natsjetstream.ErrBucketNotFound) {
		bucket, err = n.make(ctx)
	}
	if err != nil {
		return n.wrong(err)
	}
	value, err := json.Marshal(changes)
	if err != nil {
		return n.wrong(err)
	}
	if _, err := bucket.Put(ctx, n.key, value); err != nil {
		return n.wrong(err)
	}
	return nil
}

// make makes the bucket as a bridge does.
func (n *notes) make(ctx context.Context) (natsjetstream.KeyValue, error) {
	stream, err := n.js.Stream(ctx, n.stream)
	if err != nil {
		return nil, err
	}
	return n.js.CreateKeyValue(ctx, natsjetstream.KeyValueConfig{
		Bucket: jetstream.CheckpointBucket, Description: "how far ciobridge has read",
		History: 1, Storage: natsjetstream.FileStorage, Replicas: max(1, stream.CachedInfo().Config.Replicas),
	})
}

// Remove implements consumer.Notes.
func (n *notes) Remove(ctx context.Context) error {
	bucket, err := n.js.KeyValue(ctx, jetstream.CheckpointBucket)
	if errors.Is(err, natsjetstream.ErrBucketNotFound) {
		return nil
	}
	if err == nil {
		err = bucket.Purge(ctx, n.key)
	}
	if err != nil {
		return n.wrong(err)
	}
	return nil
}

func (n *notes) wrong(err error) error {
	return fmt.Errorf("key %s of the bucket %s: %w", n.key, jetstream.CheckpointBucket, err)
}
