package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/erasure"
)

// Log keeps fences in a bucket.
type Log struct {
	js       jetstream.JetStream
	name     string
	replicas int

	mu      sync.Mutex
	bucket  jetstream.KeyValue // nil until it is open
	created string             // which bucket of that name was read
	read    uint64             // the last revision that was read
}

// New keeps fences in the bucket of that name. One that is made has so many replicas.
func New(js jetstream.JetStream, bucket string, replicas int) *Log {
	return &Log{js: js, name: bucket, replicas: max(1, replicas)}
}

// Check opens the bucket, or makes it, and refuses one that forgets.
func (l *Log) Check(ctx context.Context) error {
	bucket, err := l.js.KeyValue(ctx, l.name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = l.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: l.name, Description: "erasure fences of ciobridge", History: 1, Storage: jetstream.FileStorage,
			Replicas: l.replicas,
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // another replica was faster
			bucket, err = l.js.KeyValue(ctx, l.name)
		}
	}
	if err != nil {
		return fmt.Errorf("open the key-value bucket %s of erasure fences: %w", l.name, err)
	}
	status, err := bucket.Status(ctx)
	if err != nil {
		return fmt.Errorf("look at the key-value bucket %s: %w", l.name, err)
	}
	if ttl := status.TTL(); ttl > 0 {
		return fmt.Errorf("%w: the key-value bucket %s forgets after %v whom nothing may bring back: "+
			"make it keep its values with: nats stream edit KV_%s --max-age=0", erasure.ErrUnfit, l.name, ttl, l.name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bucket = bucket
	return nil
}

// Read gives the values that were put since the last call.
func (l *Log) Read(ctx context.Context, each func(erasure.Record)) error {
	stream, err := l.js.Stream(ctx, "KV_"+l.name)
	if err != nil {
		return fmt.Errorf("read the key-value bucket %s of erasure fences: %w", l.name, err)
	}
	info := stream.CachedInfo()
	l.mu.Lock()
	defer l.mu.Unlock()
	if created := info.Created.String(); created != l.created {
		l.created, l.read = created, 0
	}
	if info.State.LastSeq <= l.read || info.State.Msgs == 0 {
		return nil
	}
	if err := l.watch(ctx, info.State.LastSeq, each); err != nil {
		return fmt.Errorf("read the key-value bucket %s of erasure fences: %w", l.name, err)
	}
	l.read = max(l.read, info.State.LastSeq)
	return nil
}

// watch gives the values behind the last that was read, until those that stood there when it began have come. Of a key
// that is put again meanwhile the newer value comes, so that the last one may have a greater revision.
func (l *Log) watch(ctx context.Context, last uint64, each func(erasure.Record)) (err error) {
	watcher, err := l.bucket.WatchAll(ctx, jetstream.ResumeFromRevision(l.read+1))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, watcher.Stop()) }()
	for {
		select {
		case entry, open := <-watcher.Updates():
			switch {
			case !open:
				return errors.New("the watching ended")
			case entry == nil:
				return nil // all that stood there has come
			}
			l.read = max(l.read, entry.Revision())
			each(erasure.Record{Key: entry.Key(), Value: entry.Value()})
			if entry.Revision() >= last {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Write puts the values, and waits for the acknowledgement of each.
func (l *Log) Write(ctx context.Context, records ...erasure.Record) error {
	l.mu.Lock()
	bucket := l.bucket
	l.mu.Unlock()
	for _, r := range records {
		if _, err := bucket.Put(ctx, r.Key, r.Value); err != nil {
			return fmt.Errorf("write to the key-value bucket %s of erasure fences: %w", l.name, err)
		}
	}
	return nil
}
