package jetstream

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/deadletter"
)

// lockBucket is the key-value bucket of the replay locks. Its keys live for one session unless they are renewed.
const lockBucket = "ciobridge_replay"

// Lock creates the key of the subject in the bucket "ciobridge_replay", which is made when it is missing. A holder that
// died holds it for ten seconds more, and is waited for.
func (j *Store) Lock(ctx context.Context, waiting func(until time.Time)) (*lock.Lock, error) {
	key := lock.Key{Bucket: j.bucket, Name: lockKey(j.cfg.Subject), Timeout: j.cfg.Timeout}
	l, err := key.Acquire(ctx, lock.Wish{Session: lock.Session, Waiting: waiting, Alive: deadletter.Running})
	if err != nil && !errors.Is(err, deadletter.ErrReplayRunning) {
		err = natsError(ctx, err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock: bucket %s: %w", lockBucket, err)
	}
	return l, nil
}

// lockKey is the key of a subject's lock.
func lockKey(subject string) string { return base64.RawURLEncoding.EncodeToString([]byte(subject)) }

func (j *Store) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := j.js.KeyValue(ctx, lockBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return j.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: lockBucket, Description: "one running replay of dead letters per subject", TTL: lock.Session,
			Storage: jetstream.MemoryStorage,
		})
	}
	return bucket, err
}
