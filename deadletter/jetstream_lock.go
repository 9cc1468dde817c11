package deadletter

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// lockBucket is the key-value bucket of the replay locks. Its keys live for one session unless they are renewed.
const lockBucket = "ciobridge_replay"

// Lock creates the key of the subject in the bucket "ciobridge_replay", which is made when it is missing. A holder that died holds
// it for ten seconds more.
func (j *JetStream) Lock(ctx context.Context) (*Hold, error) {
	attempt, cancel := context.WithTimeout(ctx, j.cfg.Timeout)
	defer cancel()
	bucket, err := j.bucket(attempt)
	if err != nil {
		return nil, fmt.Errorf("lock: bucket %s: %w", lockBucket, natsError(ctx, err))
	}
	key, token := base64.RawURLEncoding.EncodeToString([]byte(j.cfg.Subject)), []byte(rand.Text())
	sent := time.Now()
	revision, err := bucket.Create(attempt, key, token)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return nil, fmt.Errorf("lock: bucket %s: %w", lockBucket, ErrReplayRunning)
	}
	if err != nil {
		return nil, fmt.Errorf("lock: bucket %s: %w", lockBucket, natsError(ctx, err))
	}
	renew := func(ctx context.Context) error {
		next, err := bucket.Update(ctx, key, token, revision)
		var api *jetstream.APIError
		switch {
		case err == nil:
			revision = next
		case errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
			if revision, err = ownRevision(ctx, bucket, key, token, revision); err == nil {
				next, err = bucket.Update(ctx, key, token, revision)
				if err == nil {
					revision = next
				}
			}
		}
		return err
	}
	release := func(ctx context.Context) {
		// Where this fails the key ends with its session.
		_ = bucket.Delete(ctx, key, jetstream.LastRevision(revision))
	}
	return keep(ctx, sent, lockSession, renew, release), nil
}

// ownRevision tells a renewal whose answer was lost, and whose revision it returns, from a lock that is lost.
func ownRevision(ctx context.Context, bucket jetstream.KeyValue, key string, token []byte, known uint64) (uint64, error) {
	entry, err := bucket.Get(ctx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return known, errLockLost
	case err != nil:
		return known, err
	case string(entry.Value()) != string(token):
		return known, errLockLost
	}
	return entry.Revision(), nil
}

func (j *JetStream) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := j.js.KeyValue(ctx, lockBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return j.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: lockBucket, Description: "one running replay of dead letters per subject", TTL: lockSession,
			Storage: jetstream.MemoryStorage,
		})
	}
	return bucket, err
}
