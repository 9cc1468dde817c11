package lock

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// A Key is a key of a key-value bucket of JetStream whose holder has the lock. The bucket may forget it after a
// session, or keep it: whoever sees it unchanged for a session takes it over.
type Key struct {
	Bucket  func(context.Context) (jetstream.KeyValue, error) // opens the bucket
	Name    string
	Timeout time.Duration // of one attempt
}

// Acquire creates the key. While another has it, Acquire watches whether that one renews it.
func (k Key) Acquire(ctx context.Context, w Wish) (*Lock, error) {
	h := &holding{key: k.Name, token: []byte(rand.Text())}
	var seen uint64 // the revision that another had, and since when it has been unchanged
	var since, sent time.Time
	again := retry.Policy{
		First: pause, Longest: pause, Exact: true,
		Passing: func(err error) bool { return errors.Is(err, errHeld) },
	}
	err := retry.Do(ctx, again, func(ctx context.Context) error {
		attempt, cancel := context.WithTimeout(ctx, k.Timeout)
		defer cancel()
		sent = time.Now()
		revision, err := h.create(attempt, k.Bucket)
		switch now := time.Now(); {
		case err != nil || revision == 0:
			return err
		case seen == 0:
			seen, since = revision, now
			w.Waiting(sent.Add(w.Session))
		case seen != revision:
			seen, since = revision, now
			if err := w.Alive(); err != nil {
				return err
			}
			retry.Sleep(ctx, w.Session/4)
		case now.Sub(since) > w.Session:
			sent = now
			return h.takeOver(attempt, revision)
		}
		return errHeld
	})
	if err != nil {
		return nil, err
	}
	return Keep(ctx, sent, w.Session, h.renew, h.release), nil
}

// errHeld means that another has the key.
var errHeld = errors.New("the lock is held by another")

// holding is the key as this process has it. It is used by one goroutine at a time.
type holding struct {
	bucket   jetstream.KeyValue
	key      string
	token    []byte // tells our value from that of another
	revision uint64
}

// create makes the key, or returns the revision at which another has it. If that key ends in between, it tries again.
func (h *holding) create(
	ctx context.Context, open func(context.Context) (jetstream.KeyValue, error),
) (held uint64, err error) {
	if h.bucket == nil {
		if h.bucket, err = open(ctx); err != nil {
			return 0, err
		}
	}
	for {
		h.revision, err = h.bucket.Create(ctx, h.key, h.token)
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return 0, err
		}
		entry, err := h.bucket.Get(ctx, h.key)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			continue
		case err != nil:
			return 0, err
		case string(entry.Value()) == string(h.token): // the answer to an attempt before was lost
			h.revision = entry.Revision()
			return 0, nil
		}
		return entry.Revision(), nil
	}
}

// takeOver replaces the key of a holder that has died, unless another was faster.
func (h *holding) takeOver(ctx context.Context, revision uint64) (err error) {
	h.revision, err = h.bucket.Update(ctx, h.key, h.token, revision)
	if isRival(err) {
		return errHeld
	}
	return err
}

// isRival reports whether something else stands where a value was to be written.
func isRival(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// renew writes the key again, which begins its session anew.
func (h *holding) renew(ctx context.Context) error {
	next, err := h.bucket.Update(ctx, h.key, h.token, h.revision)
	if isRival(err) {
		// The answer to a renewal was lost, or the lock is.
		if err = h.find(ctx); err == nil {
			next, err = h.bucket.Update(ctx, h.key, h.token, h.revision)
		}
	}
	if err == nil {
		h.revision = next
	}
	return err
}

// find reads the revision of our key. It returns ErrLost if the key is gone or another's.
func (h *holding) find(ctx context.Context) error {
	entry, err := h.bucket.Get(ctx, h.key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return ErrLost
	case err != nil:
		return err
	case string(entry.Value()) != string(h.token):
		return ErrLost
	}
	h.revision = entry.Revision()
	return nil
}

// release deletes the key. Where this fails it ends with its session.
func (h *holding) release(ctx context.Context) {
	_ = h.bucket.Delete(ctx, h.key, jetstream.LastRevision(h.revision))
}
