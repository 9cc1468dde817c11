package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/content"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/source"
)

// reachLimit is how long a command that does one thing waits for a broker.
const reachLimit = 15 * time.Second

// Reach connects to the broker of a configuration for one task: it gives up after a while, and where a bridge already
// runs an embedded server it uses that one.
func Reach(ctx context.Context, c config.Config, log *zap.Logger) (source.Broker, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	return c.Source.Section().Reach(ctx, log)
}

// ReachLetters opens the dead letters of a configuration for one task. Those in a file need no broker. The function
// returned must be called when err is nil.
func ReachLetters(ctx context.Context, c config.Config, hash string, log *zap.Logger) (source.Letters, func(), error) {
	if c.DeadLetters.File != "" {
		return openLetters(c, nil, hash), func() {}, nil
	}
	b, err := Reach(ctx, c, log)
	if err != nil {
		return nil, nil, err
	}
	return openLetters(c, b, hash), b.Close, nil
}

// openLetters opens the place of the dead letters: a file, or something that the broker keeps.
func openLetters(c config.Config, b source.Broker, hash string) source.Letters {
	if d := c.DeadLetters.Config; d.File != "" {
		return file.New(d, hash)
	}
	return b.Letters(c.DeadLetters.Config, hash)
}

// Content makes what gives the messages of dead letters their content, as a bridge does before it maps them. It must be
// closed.
func Content(c config.Config, log *zap.Logger) (*content.Decoder, error) {
	return newDecoder(c, log, prometheus.NewRegistry())
}
