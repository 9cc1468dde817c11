package jetstream

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// lockPause is the pause between two tries for the lock.
const lockPause = 200 * time.Millisecond

// lockBucket is the key-value bucket of the replay locks. Its keys live for one session unless they are renewed.
const lockBucket = "ciobridge_replay"

// Lock creates the key of the subject in the bucket "ciobridge_replay", which is made when it is missing. A holder that
// died holds it for ten seconds more, and is waited for.
func (j *Store) Lock(ctx context.Context, waiting func(until time.Time)) (*deadletter.Lock, error) {
	k := &lockKey{key: base64.RawURLEncoding.EncodeToString([]byte(j.cfg.Subject)), token: []byte(rand.Text())}
	sent, err := j.acquire(ctx, k, waiting)
	if errors.Is(err, deadletter.ErrReplayRunning) {
		return nil, fmt.Errorf("lock: bucket %s: %w", lockBucket, err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock: bucket %s: %w", lockBucket, natsError(ctx, err))
	}
	return deadletter.KeepLock(ctx, sent, j.session, k.renew, k.release), nil
}

// acquire creates the key. While another has the key, it waits until that one renews it, which shows that its holder
// lives, or until the key ends.
func (j *Store) acquire(ctx context.Context, k *lockKey, waiting func(until time.Time)) (sent time.Time, err error) {
	var held uint64 // the revision that the key of another was found at
	begun := time.Now()
	again := retry.Policy{
		First: lockPause, Longest: lockPause, Exact: true,
		Passing: func(err error) bool { return errors.Is(err, errHeld) },
	}
	err = retry.Do(ctx, again, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, j.cfg.Timeout)
		defer cancel()
		sent = time.Now()
		revision, err := k.create(ctx, j)
		switch {
		case err != nil || revision == 0:
			return err
		case held == 0:
			held = revision
			waiting(begun.Add(j.session))
		case held != revision, time.Since(begun) > 2*j.session:
			return deadletter.ErrReplayRunning
		}
		return errHeld
	})
	return sent, err
}

// errHeld means that another has the key, and has not shown yet whether it lives.
var errHeld = errors.New("the lock is held by another")

// lockKey is the key of a lock. It is used by one goroutine at a time.
type lockKey struct {
	bucket   jetstream.KeyValue
	key      string
	token    []byte // tells our value from that of another
	revision uint64
}

// create makes the key, or returns the revision at which another has it. If that key ends in between, it tries again.
func (k *lockKey) create(ctx context.Context, j *Store) (held uint64, err error) {
	if k.bucket == nil {
		if k.bucket, err = j.bucket(ctx); err != nil {
			return 0, err
		}
	}
	for {
		k.revision, err = k.bucket.Create(ctx, k.key, k.token)
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return 0, err
		}
		entry, err := k.bucket.Get(ctx, k.key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return entry.Revision(), nil
	}
}

// renew writes the key again, which begins its session anew.
func (k *lockKey) renew(ctx context.Context) error {
	next, err := k.bucket.Update(ctx, k.key, k.token, k.revision)
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		// The answer to a renewal was lost, or the lock is.
		if err = k.find(ctx); err == nil {
			next, err = k.bucket.Update(ctx, k.key, k.token, k.revision)
		}
	}
	if err == nil {
		k.revision = next
	}
	return err
}

// find reads the revision of our key. It returns ErrLockTaken if the key is gone or another's.
func (k *lockKey) find(ctx context.Context) error {
	entry, err := k.bucket.Get(ctx, k.key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return deadletter.ErrLockTaken
	case err != nil:
		return err
	case string(entry.Value()) != string(k.token):
		return deadletter.ErrLockTaken
	}
	k.revision = entry.Revision()
	return nil
}

// release deletes the key. Where this fails it ends with its session.
func (k *lockKey) release(ctx context.Context) {
	_ = k.bucket.Delete(ctx, k.key, jetstream.LastRevision(k.revision))
}

func (j *Store) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := j.js.KeyValue(ctx, lockBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return j.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: lockBucket, Description: "one running replay of dead letters per subject", TTL: j.session,
			Storage: jetstream.MemoryStorage,
		})
	}
	return bucket, err
}
