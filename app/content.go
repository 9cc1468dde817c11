package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/content"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
)

func newDecoder(c config.Config, log *zap.Logger, reg prometheus.Registerer) (*content.Decoder, error) {
	d, err := content.NewDecoder(c.SchemaRegistry, log.Named("content"), reg)
	if err != nil {
		return nil, exit.With(exit.Input, fmt.Errorf("schema_registry: %w", err))
	}
	return d, nil
}

// read gives the messages of a source their content, where a schema says what one of its topics holds.
func (b *Bridge) read(s pipeline.Source) pipeline.Source {
	reads := func(t mapping.Topic) bool { return content.Reads(t.Forms()) }
	if !slices.ContainsFunc(b.config.Source.Section().Topics(), reads) {
		return s
	}
	return &content.Source{Consumer: s, Decoder: b.decoder, FormsOf: b.rules.Forms}
}

// A Decoder gives messages their content, as a bridge does before it maps them, for a command. It gives the schema
// registry up after a while, because somebody waits.
type Decoder struct {
	Patience time.Duration // with the schema registry

	decoder *content.Decoder
}

// Content makes a Decoder, which must be closed.
func Content(c config.Config, log *zap.Logger) (*Decoder, error) {
	d, err := newDecoder(c, log, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	return &Decoder{10 * time.Second, d}, nil
}

// Close closes the connections to the registry.
func (d *Decoder) Close() { d.decoder.Close() }

// Decode gives a message what its value and key hold, or says in it why they cannot be read. The error is that of ctx,
// or says that the registry has not answered.
func (d *Decoder) Decode(ctx context.Context, forms event.Forms, m *event.Message) error {
	soon, cancel := context.WithTimeout(ctx, d.Patience)
	defer cancel()
	err := d.decoder.Decode(soon, forms, m)
	if err != nil && ctx.Err() == nil {
		err = exit.With(exit.Broker, fmt.Errorf("the schema registry has not answered for %s, and the warning above "+
			"says why: look at schema_registry", d.Patience))
	}
	return err
}
