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
func (j *Store) Remove(ctx context.Context, at ...deadletter.Position) error {
	stream, err := j.stream(ctx)
	if err != nil {
		return fmt.Errorf("remove: subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	if stream.CachedInfo().Config.DenyDelete {
		return fmt.Errorf("stream %s denies deletes (deny_delete): %w", stream.CachedInfo().Config.Name,
			deadletter.ErrKeeps)
	}
	for _, p := range at {
		err := stream.SecureDeleteMsg(ctx, uint64(p.Offset))
		if err == nil {
			continue
		}
		// The server answers in the same way for a message that it does not have and for one that it fails to delete.
		if _, missing := stream.GetMsg(ctx, uint64(p.Offset)); errors.Is(missing, jetstream.ErrMsgNotFound) {
			continue
		}
		return fmt.Errorf("remove: subject %s at %s: %w", j.cfg.Subject, p, natsError(ctx, err))
	}
	return nil
}
