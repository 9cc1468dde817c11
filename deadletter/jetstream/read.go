package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/deadletter"
)

// scanIdle is how long a scan waits for a message that should be there before it looks whether it still is.
const scanIdle = 5 * time.Second

// Scan gives each the messages of the subject up to the last one that stood when it began.
func (j *Store) Scan(ctx context.Context, each func(deadletter.Record) error) error {
	stream, err := j.stream(ctx)
	if err != nil {
		return fmt.Errorf("scan: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	last, err := stream.GetLastMsgForSubject(ctx, j.cfg.Subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("scan: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{j.cfg.Subject}, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("scan: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	defer func() {
		// The server removes it by itself after a minute.
		_ = stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name)
	}()
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("scan: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	defer messages.Stop()
	return j.scanMessages(ctx, stream, messages, last.Sequence, each)
}

func (j *Store) scanMessages(
	ctx context.Context, stream jetstream.Stream, messages jetstream.MessagesContext, end uint64,
	each func(deadletter.Record) error,
) error {
	seen := uint64(0)
	for seen < end {
		m, err := j.next(ctx, messages)
		if errors.Is(err, errIdle) {
			rest, err := stream.GetMsg(ctx, seen+1, jetstream.WithGetMsgSubject(j.cfg.Subject))
			if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && rest.Sequence > end {
				return nil // the limits of the stream have taken the others away
			}
			if err == nil {
				err = fmt.Errorf("no message for %s", scanIdle)
			}
			return fmt.Errorf("scan: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
		}
		if err != nil {
			return fmt.Errorf("scan: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("scan: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
		}
		if meta.Sequence.Stream > end {
			return nil
		}
		seen = meta.Sequence.Stream
		r, err := fromMessage(m.Headers(), m.Data(), seen, meta.Timestamp)
		if err != nil {
			r.Headers = nil // what is damaged is foreign, and counted as such
		}
		if err := each(j.sealer.Open(r)); err != nil {
			return err
		}
	}
	return nil
}

var errIdle = errors.New("no message in time")

func (j *Store) next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	wait, cancel := context.WithTimeout(ctx, scanIdle)
	defer cancel()
	m, err := messages.Next(jetstream.NextContext(wait))
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return nil, errIdle
	}
	return m, err
}

// Read gets one message of the stream.
func (j *Store) Read(ctx context.Context, at deadletter.Position) (deadletter.Record, error) {
	stream, err := j.stream(ctx)
	if err != nil {
		return deadletter.Record{}, fmt.Errorf("read: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	m, err := stream.GetMsg(ctx, uint64(at.Offset))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = fmt.Errorf("%w: %w", deadletter.ErrGone, err)
	}
	if err != nil {
		return deadletter.Record{}, fmt.Errorf("read: subject %s at %s: %w", j.cfg.Subject, at, natsError(ctx, err))
	}
	r, err := fromMessage(m.Header, m.Data, m.Sequence, m.Time)
	if err != nil {
		return deadletter.Record{}, fmt.Errorf("read: subject %s at %s: %w: %w",
			j.cfg.Subject, at, deadletter.ErrGone, err)
	}
	return j.sealer.Open(r), nil
}

// stream finds the stream that keeps the subject.
func (j *Store) stream(ctx context.Context) (jetstream.Stream, error) {
	name := j.cfg.Stream
	if name == "" {
		if !j.js.Conn().IsConnected() {
			return nil, nats.ErrDisconnected
		}
		var err error
		if name, err = j.js.StreamNameBySubject(ctx, j.cfg.Subject); err != nil {
			return nil, err
		}
	}
	return j.js.Stream(ctx, name)
}
