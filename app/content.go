package app

import (
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/content"
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

// Content makes what gives the messages of dead letters their content, as a bridge does before it maps them. It must be
// closed.
func Content(c config.Config, log *zap.Logger) (*content.Decoder, error) {
	return newDecoder(c, log, prometheus.NewRegistry())
}
