package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/ciobridge/ciobridge/event"
)

// JetStream keeps dead letters on one subject of a stream.
//
// A letter carries its identity and its attempts as Nats-Msg-Id, so that the server drops the second of two equal letters within
// its window. Of what NATS cannot hold, the key, a null value and headers that it would change or obey travel in headers of our own.
type JetStream struct {
	js         jetstream.JetStream
	cfg        Config
	configHash string
}

// NewJetStream keeps letters on cfg.Subject. ConfigHash names the configuration in the letters.
func NewJetStream(js jetstream.JetStream, cfg Config, configHash string) *JetStream {
	return &JetStream{js: js, cfg: cfg.withDefaults(), configHash: configHash}
}

var _ Store = (*JetStream)(nil)

// publishers bounds the records of one call that wait for their acknowledgement together. A replay does not depend on the order
// in which the letters of one call are stored.
const publishers = 16

// Put publishes letters and waits for the acknowledgement of each.
func (j *JetStream) Put(ctx context.Context, letters ...event.Letter) error {
	now := time.Now()
	return j.publish(ctx, "put letters", len(letters), func(i int) (Record, string) {
		f := &letters[i].Failure
		return encode(&letters[i], now, j.configHash), f.ID.String() + "-" + strconv.Itoa(f.Attempts)
	})
}

// Resolve publishes resolutions and waits for the acknowledgement of each.
func (j *JetStream) Resolve(ctx context.Context, resolutions ...Resolution) error {
	now := time.Now()
	return j.publish(ctx, "resolve letters", len(resolutions), func(i int) (Record, string) {
		return encodeResolution(&resolutions[i], now), ""
	})
}

func (j *JetStream) publish(ctx context.Context, doing string, n int, record func(i int) (r Record, id string)) error {
	if n > 0 && !j.js.Conn().IsConnected() {
		return fmt.Errorf("%s: subject %s: %w: %w", doing, j.cfg.Subject, ErrUnreachable, nats.ErrDisconnected)
	}
	attempt, cancel := context.WithTimeout(ctx, j.cfg.Timeout)
	defer cancel()
	group, attempt := errgroup.WithContext(attempt)
	group.SetLimit(publishers)
	for i := range n {
		group.Go(func() error {
			r, id := record(i)
			return j.send(attempt, r, id, j.limit())
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%s: subject %s: %w", doing, j.cfg.Subject, natsError(ctx, err))
	}
	return nil
}

// limit is the largest message that connection and configuration allow. A stream with a lower limit says so when it refuses.
func (j *JetStream) limit() int {
	return min(j.cfg.MaxBytes, int(j.js.Conn().MaxPayload()))
}

// send publishes one record. What the stream does not take for its size is cut to half, and half again.
func (j *JetStream) send(ctx context.Context, r Record, id string, limit int) error {
	if messageSize(&r) > limit {
		var err error
		if r, err = cut(r, limit, messageSize); err != nil {
			return err
		}
	}
	m := toMessage(&r, j.cfg.Subject)
	if id != "" {
		m.Header.Set(jetstream.MsgIDHeader, id)
	}
	if j.cfg.Stream != "" {
		m.Header.Set(jetstream.ExpectedStreamHeader, j.cfg.Stream)
	}
	_, err := j.js.PublishMsg(ctx, m)
	if errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum) || errors.Is(err, nats.ErrMaxPayload) {
		return j.send(ctx, r, id, messageSize(&r)/2)
	}
	return err
}

// Codes of the server that the client has no names for.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeStorageFull           jetstream.ErrorCode = 10047
	codeExpectedStream        jetstream.ErrorCode = 10060
	codeStoreFailed           jetstream.ErrorCode = 10077 // maximum messages or bytes of a stream that discards new ones
)

// natsError gives an error one of the package's meanings. An end of the caller's own context is no fault of the store.
func natsError(ctx context.Context, err error) error {
	meaning := ErrUnreachable
	var api *jetstream.APIError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrGone):
		return err
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		meaning = ErrMissing
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrPermissionViolation):
		meaning = ErrDenied
	case errors.As(err, &api):
		switch api.ErrorCode {
		case codeExpectedStream:
			meaning = ErrMissing
		case codeInsufficientResources, codeStorageFull, codeStoreFailed:
			meaning = ErrFull
		}
	}
	return fmt.Errorf("%w: %w", meaning, err)
}
