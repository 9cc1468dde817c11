package jetstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/lead"
)

const (
	loadLimit = 2 * time.Minute // of reading the whole bucket
	lagPause  = 100 * time.Millisecond
	lagLimit  = 2 * time.Second // after which it is asked whether what a replica does not show was removed
)

// leadKey is that of the lead. No key is encoded like that.
const leadKey = "=lead"

// Store keeps what is known of reports in a bucket.
type Store struct {
	js     jetstream.JetStream
	config report.StateConfig
	lead   lead.Lead
	lag    time.Duration
	opened jetstream.KeyValue // nil until it is opened, and after a failure
}

// NewStore keeps what is known in c.Bucket.
func NewStore(conn *broker.NATS, c report.StateConfig) *Store {
	return &Store{js: conn.JetStream(), config: c, lead: lead.New(), lag: lagLimit}
}

// Place implements report.Store.
func (s *Store) Place() string { return "bucket " + s.config.Bucket }

// Close implements report.Store.
func (s *Store) Close() {}

func (s *Store) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	return s.js.KeyValue(ctx, s.config.Bucket)
}

// put writes a value. An empty one removes the key.
func (s *Store) put(ctx context.Context, key string, value []byte) (err error) {
	if s.opened == nil {
		if s.opened, err = s.bucket(ctx); err != nil {
			return err
		}
	}
	if len(value) == 0 {
		err = s.opened.Delete(ctx, key)
	} else {
		_, err = s.opened.Put(ctx, key, value)
	}
	if err != nil {
		s.opened = nil // it may have been removed
	}
	return err
}

// Load implements report.Store. It reads the whole bucket, and again while a replica answers that lags behind.
func (s *Store) Load(ctx context.Context, prefix string, each func(key string, value []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	var known map[string][]byte
	stream, err := s.js.Stream(ctx, "KV_"+s.config.Bucket)
	if err == nil {
		end := stream.CachedInfo().State.LastSeq
		for begun := time.Now(); ; {
			var read uint64
			known, read, err = s.read(ctx, prefix)
			if err != nil || read >= end {
				break
			}
			if time.Since(begun) > s.lag || !retry.Sleep(ctx, lagPause) {
				err = missing(ctx, stream, end)
				break
			}
		}
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return fmt.Errorf("read the bucket %s: %w", s.config.Bucket, meaning(err))
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if err := each(key, known[key]); err != nil {
			return err
		}
	}
	return nil
}

// errLag says that what is known of reports was not read to its end. What is lacking would be published twice.
var errLag = errors.New("the server that answers lags behind the others")

// missing is nil where a message is not there because it was removed.
func missing(ctx context.Context, stream jetstream.Stream, sequence uint64) error {
	_, err := stream.GetMsg(ctx, sequence)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil
	case err == nil:
		return errLag
	}
	return err
}

// read gives what stands under keys with the prefix, and the last revision of all.
func (s *Store) read(ctx context.Context, prefix string) (known map[string][]byte, last uint64, err error) {
	bucket, err := s.bucket(ctx)
	if err != nil {
		return nil, 0, err
	}
	watcher, err := bucket.WatchAll(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, watcher.Stop()) }()
	known = map[string][]byte{}
	for {
		select {
		case entry, open := <-watcher.Updates():
			if !open {
				return nil, 0, errors.New("the watching ended")
			}
			if entry == nil {
				return known, last, nil // all that stood there has come
			}
			last = max(last, entry.Revision())
			key, ours := decodeKey(entry.Key())
			switch {
			case !ours || !strings.HasPrefix(key, prefix):
			case entry.Operation() != jetstream.KeyValuePut:
				delete(known, key)
			default:
				known[key] = entry.Value()
			}
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// Put implements report.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err := s.put(ctx, encodeKey(key), value)
	if broker.IsTooLarge(err) {
		err = fmt.Errorf("%w: %w: %d bytes: raise max_payload of the server", report.ErrTooLarge, err, len(value))
	}
	if err != nil {
		return s.lead.Note(fmt.Errorf("write to the bucket %s: %w", s.config.Bucket, meaning(err)))
	}
	return nil
}

// Lead implements report.Store.
func (s *Store) Lead(ctx context.Context, standby func()) (led context.Context, release func(), err error) {
	key := lock.Key{Bucket: s.bucket, Name: leadKey, Timeout: attemptTime}
	led, release, err = s.lead.Take(ctx, standby, key.Acquire)
	if err != nil {
		return nil, nil, fmt.Errorf("lead by the bucket %s: %w", s.config.Bucket, meaning(err))
	}
	return led, release, nil
}
