package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/deadletter"
)

// Remove deletes messages of the stream, and has the server overwrite what it stored of them. A stream that denies
// deletes is one that keeps.
func (j *Store) Remove(ctx context.Context, records ...deadletter.Seen) error {
	stream, err := j.stream(ctx)
	if err != nil {
		return fmt.Errorf("remove: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	if stream.CachedInfo().Config.DenyDelete {
		return fmt.Errorf("stream %s denies deletes (deny_delete): %w", stream.CachedInfo().Config.Name,
			deadletter.ErrKeeps)
	}
	for _, r := range records {
		if err := j.remove(ctx, stream, r); err != nil {
			return fmt.Errorf("remove: subject %s at %s: %w", j.cfg.Subject, r.At, natsError(ctx, err))
		}
	}
	return nil
}

// remove deletes one message. It looks at it first: a stream that was made anew has another of that sequence.
func (j *Store) remove(ctx context.Context, stream jetstream.Stream, r deadletter.Seen) error {
	attempt, cancel := context.WithTimeout(ctx, j.cfg.Timeout)
	defer cancel()
	m, err := stream.GetMsg(attempt, uint64(r.At.Offset))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && !m.Time.Equal(r.Time) {
		return nil
	}
	if err != nil {
		return err
	}
	return stream.SecureDeleteMsg(attempt, m.Sequence)
}
