package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
)

// A Source is what a command reads records from, beside whoever reads the source: its broker, and what gives records
// their content.
type Source struct {
	source.Broker
	rules   *mapping.Rules
	decoder *app.Decoder
}

// OpenSource reaches the source of a configuration. It must be closed when the error is nil.
func OpenSource(ctx context.Context, c config.Config, rules *mapping.Rules, log *zap.Logger) (*Source, error) {
	decoder, err := app.Content(c, log)
	if err != nil {
		return nil, err
	}
	broker, err := app.Reach(ctx, c, log)
	if err != nil {
		decoder.Close()
		return nil, err
	}
	return &Source{broker, rules, decoder}, nil
}

// Close ends the connections to the broker and to the schema registry.
func (s *Source) Close() {
	s.Broker.Close()
	s.decoder.Close()
}

// Decode gives a record its content.
func (s *Source) Decode(ctx context.Context, m *event.Message) error {
	return s.decoder.Decode(ctx, s.rules.Forms(m.Origin.Topic), m)
}

// Select finds where the records between two times stand: those of some topics or, without any, of all.
func (s *Source) Select(ctx context.Context, between consumer.Bounds, topics ...string) ([]consumer.Extent, error) {
	extents, err := s.Extents(ctx, between)
	if err != nil {
		return nil, exit.Or(exit.Broker, fmt.Errorf("find where the records stand: %w", err))
	}
	if len(topics) == 0 {
		return extents, nil
	}
	return slices.DeleteFunc(extents, func(e consumer.Extent) bool { return !slices.Contains(topics, e.Topic) }), nil
}

// Read gives f the records of extents with their content, one extent after another, and passes over what the broker has
// discarded meanwhile. An error that has no exit code gets that of the broker.
func (s *Source) Read(ctx context.Context, all []consumer.Extent, f func(*event.Message) error) error {
	for _, e := range all {
		if err := s.readOne(ctx, e, f); err != nil {
			return exit.Or(exit.Broker, fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, err))
		}
	}
	return nil
}

func (s *Source) readOne(ctx context.Context, e consumer.Extent, f func(*event.Message) error) error {
	for {
		err := s.ReadExtent(ctx, e, func(m *event.Message) error {
			if err := s.Decode(ctx, m); err != nil {
				return err
			}
			return f(m)
		})
		var gone *consumer.GoneError
		if !errors.As(err, &gone) || gone.To <= e.From {
			return err
		}
		e.From = gone.To
	}
}
