package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/seal"
	"github.com/ciobridge/ciobridge/event"
)

// Store keeps dead letters on one subject of a stream.
//
// A message carries the identities and attempts of its letters as Nats-Msg-Id, so that the server drops the second of
// two equal ones. A key, a null value, and headers that NATS would change or obey travel in headers of the bridge's
// own.
type Store struct {
	health     deadletter.Health
	js         jetstream.JetStream
	cfg        deadletter.Config
	configHash string
	sealer     *seal.Sealer
}

// New keeps letters on cfg.Subject. ConfigHash names the configuration in the letters.
func New(js jetstream.JetStream, cfg deadletter.Config, configHash string) *Store {
	cfg = cfg.WithDefaults()
	sealer := seal.New(cfg.KeysFile)
	if sealer != nil {
		cfg.MaxBytes -= seal.Room
	}
	return &Store{
		health: deadletter.Health{Place: "subject " + cfg.Subject},
		js:     js, cfg: cfg, configHash: configHash, sealer: sealer,
	}
}

// Ready says since when and why nothing can be stored, as deadletter.Health does.
func (j *Store) Ready() error { return j.health.Ready() }

// publishers bounds the records of one call that wait for their acknowledgement together. A replay does not depend on
// the order in which the letters of one call are stored.
const publishers = 16

// Put publishes failed messages as letters and waits for the acknowledgement of each.
func (j *Store) Put(ctx context.Context, failed ...event.FailedMessage) error {
	now := time.Now()
	return j.publish(ctx, "put letters", len(failed), func(i int) deadletter.Record {
		return deadletter.Encode(&failed[i], now, j.configHash)
	})
}

// Resolve publishes resolutions and waits for the acknowledgement of each.
func (j *Store) Resolve(ctx context.Context, resolutions ...deadletter.Resolution) error {
	now := time.Now()
	return j.publish(ctx, "resolve letters", len(resolutions), func(i int) deadletter.Record {
		return deadletter.EncodeResolution(&resolutions[i], now)
	})
}

func (j *Store) publish(ctx context.Context, doing string, n int, record func(i int) deadletter.Record) (err error) {
	if n == 0 {
		return nil
	}
	defer func() { j.health.Note(ctx, err) }()
	if !j.js.Conn().IsConnected() {
		return fmt.Errorf("%s: subject %s: %w: %w",
			doing, j.cfg.Subject, deadletter.ErrUnreachable, nats.ErrDisconnected)
	}
	attempt, cancel := context.WithTimeout(ctx, j.cfg.Timeout)
	defer cancel()
	group, attempt := errgroup.WithContext(attempt)
	group.SetLimit(publishers)
	for i := range n {
		group.Go(func() error { return j.send(attempt, record(i), j.limit()) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%s: subject %s: %w", doing, j.cfg.Subject, natsError(ctx, err))
	}
	return nil
}

// limit is the largest message that connection and configuration allow. A stream with a lower limit says so when it
// refuses.
func (j *Store) limit() int {
	most := int(j.js.Conn().MaxPayload())
	if j.sealer != nil {
		most -= seal.Room
	}
	return min(j.cfg.MaxBytes, most)
}

// send publishes one record. What the stream does not take for its size is made to fit into half, and half again.
func (j *Store) send(ctx context.Context, r deadletter.Record, limit int) error {
	parts, err := deadletter.Fit(r, limit, sizeWithin(limit))
	if err != nil {
		return err
	}
	for i := range parts {
		sealed, err := j.sealer.Seal(parts[i])
		if err != nil {
			return err
		}
		m := toMessage(&sealed, j.cfg.Subject)
		if id := messageID(&parts[i]); id != "" {
			m.Header.Set(jetstream.MsgIDHeader, id)
		}
		if j.cfg.Stream != "" {
			m.Header.Set(jetstream.ExpectedStreamHeader, j.cfg.Stream)
		}
		ack, err := j.js.PublishMsg(ctx, m)
		if err == nil && ack.Duplicate {
			err = j.sendAgain(ctx, m, ack)
		}
		if errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum) || errors.Is(err, nats.ErrMaxPayload) {
			return j.send(ctx, r, messageSize(&parts[i])/2)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sendAgain publishes a message that the server dropped as a repeat, unless the first one is known to be there still:
// it may have been removed since.
func (j *Store) sendAgain(ctx context.Context, m *nats.Msg, ack *jetstream.PubAck) error {
	look, cancel := context.WithTimeout(ctx, j.cfg.Timeout/4)
	defer cancel()
	if stream, err := j.js.Stream(look, ack.Stream); err == nil {
		if _, err := stream.GetMsg(look, ack.Sequence); err == nil {
			return nil
		}
	}
	m.Header.Del(jetstream.MsgIDHeader)
	_, err := j.js.PublishMsg(ctx, m)
	return err
}

// messageID names a record by its event, its letters and their attempts. A resolution has none.
func messageID(r *deadletter.Record) string {
	letters, _, err := deadletter.Decode(*r)
	if err != nil || len(letters) == 0 {
		return ""
	}
	id := letters[0].EventID.String() + "-" + letters[0].ID().String() + "-" + strconv.Itoa(letters[0].Failure.Attempts)
	if len(letters) == 1 {
		return id
	}
	h := sha256.New()
	for _, l := range letters[1:] {
		fmt.Fprintf(h, "%s-%d ", l.ID(), l.Failure.Attempts)
	}
	return id + "-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// Codes of the server that the client has no names for.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeStorageFull           jetstream.ErrorCode = 10047
	codeExpectedStream        jetstream.ErrorCode = 10060
	codeStoreFailed           jetstream.ErrorCode = 10077 // a stream that discards new messages is full
)

// natsError tells what an error means by one of the errors of package deadletter. The end of the caller's context is
// not the store's fault.
func natsError(ctx context.Context, err error) error {
	meaning := deadletter.ErrUnreachable
	var api *jetstream.APIError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, deadletter.ErrTooLarge), errors.Is(err, deadletter.ErrGone):
		return err
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrNoStreamResponse),
		errors.Is(err, nats.ErrNoResponders):
		meaning = deadletter.ErrMissing
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrPermissionViolation):
		meaning = deadletter.ErrDenied
	case errors.As(err, &api):
		switch api.ErrorCode {
		case codeExpectedStream:
			meaning = deadletter.ErrMissing
		case codeInsufficientResources, codeStorageFull, codeStoreFailed:
			meaning = deadletter.ErrFull
		}
	}
	return fmt.Errorf("%w: %w", meaning, err)
}
