package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/ledger"
)

// Store is a ledger in a bucket.
type Store struct {
	js     jetstream.JetStream
	config ledger.Config

	mu     sync.Mutex
	opened jetstream.KeyValue // nil until it is opened, and after it could not be used
}

// New keeps a ledger in c.Bucket.
func New(js jetstream.JetStream, c ledger.Config) *Store {
	return &Store{js: js, config: c.WithDefaults()}
}

// Place implements ledger.Store.
func (s *Store) Place() string { return s.config.Place() }

// Forgotten implements ledger.Store.
func (s *Store) Forgotten() time.Time { return time.Now().Add(-s.config.Retention) }

// Get implements ledger.Store.
func (s *Store) Get(ctx context.Context, id event.ID) (known ledger.Record, err error) {
	err = s.attempt(ctx, "get", func(ctx context.Context, bucket jetstream.KeyValue) error {
		known, err = get(ctx, bucket, id)
		return err
	})
	return known, err
}

func get(ctx context.Context, bucket jetstream.KeyValue, id event.ID) (ledger.Record, error) {
	entry, err := bucket.Get(ctx, id.String())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return ledger.Record{}, nil
	}
	if err != nil {
		return ledger.Record{}, err
	}
	_, known, err := ledger.Decode(entry.Value())
	if err != nil {
		return ledger.Record{}, fmt.Errorf("key %s: %w", id, err)
	}
	known.Revision = entry.Revision()
	return known, nil
}

// Put implements ledger.Store.
func (s *Store) Put(ctx context.Context, id event.ID, prev, next ledger.Record) (known ledger.Record, err error) {
	err = s.attempt(ctx, "put", func(ctx context.Context, bucket jetstream.KeyValue) error {
		if prev.State == ledger.Sent {
			known = prev
			return nil
		}
		key, value := id.String(), next.Encode(event.ID{})
		if prev.State == ledger.Unknown {
			next.Revision, err = bucket.Create(ctx, key, value)
		} else {
			next.Revision, err = bucket.Update(ctx, key, value, prev.Revision)
		}
		if known = next; !isRival(err) {
			return err
		}
		known, err = get(ctx, bucket, id)
		return err
	})
	if err != nil {
		return ledger.Record{}, err
	}
	return known, nil
}

// isRival reports whether another record stands where one was to be written.
func isRival(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// attempt makes one bounded attempt at something.
func (s *Store) attempt(ctx context.Context, doing string, f func(context.Context, jetstream.KeyValue) error) error {
	if !s.js.Conn().IsConnected() { // the client would wait for it
		return fmt.Errorf("%s: bucket %s: %w: %w", doing, s.config.Bucket, ledger.ErrUnreachable, nats.ErrDisconnected)
	}
	attempt, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	bucket, err := s.bucket(attempt)
	if err == nil {
		err = f(attempt, bucket)
	}
	if err != nil {
		s.mu.Lock()
		s.opened = nil // it may have been deleted
		s.mu.Unlock()
		return fmt.Errorf("%s: bucket %s: %w", doing, s.config.Bucket, natsError(ctx, err))
	}
	return nil
}

// bucket opens the bucket, or gives it where it is open.
func (s *Store) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.opened == nil {
		s.opened, err = s.js.KeyValue(ctx, s.config.Bucket)
	}
	return s.opened, err
}

// Codes of the server that the client has no names for.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeStorageFull           jetstream.ErrorCode = 10047
	codeStoreFailed           jetstream.ErrorCode = 10077 // a stream that discards new messages is full
)

// natsError tells what an error means by one of the errors of package ledger. The end of the caller's context is not
// the store's fault.
func natsError(ctx context.Context, err error) error {
	var api *jetstream.APIError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, ledger.ErrRecord), errors.Is(err, ledger.ErrUnfit):
		return err
	case errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrStreamNotFound),
		errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: %w", ledger.ErrMissing, err)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrPermissionViolation):
		return fmt.Errorf("%w: %w", ledger.ErrDenied, err)
	case errors.As(err, &api) && (api.ErrorCode == codeInsufficientResources || api.ErrorCode == codeStorageFull ||
		api.ErrorCode == codeStoreFailed):
		return fmt.Errorf("%w: %w", ledger.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", ledger.ErrUnreachable, err)
}
