package cli

import (
	"context"
	"errors"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// Extents are what a broker reads of its partitions, beside whoever reads the source.
type Extents interface {
	ReadExtent(ctx context.Context, e consumer.Extent, f func(*event.Message) error) error
}

// ReadExtents gives f the messages of extents, one after another, and passes over what the broker has discarded
// meanwhile. An error that has no exit code gets that of the broker.
func ReadExtents(ctx context.Context, from Extents, all []consumer.Extent, f func(*event.Message) error) error {
	for _, e := range all {
		if err := ReadExtent(ctx, from, e, f); err != nil {
			return exit.Or(exit.Broker, err)
		}
	}
	return nil
}

// ReadExtent gives f the messages of one extent, and passes over what the broker has discarded meanwhile.
func ReadExtent(ctx context.Context, from Extents, e consumer.Extent, f func(*event.Message) error) error {
	for {
		err := from.ReadExtent(ctx, e, f)
		var gone *consumer.GoneError
		if !errors.As(err, &gone) || gone.To <= e.From {
			return err
		}
		e.From = gone.To
	}
}
