package explain

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
)

// explainer is what the command works with.
type explainer struct {
	rules   *mapping.Rules
	broker  source.Broker
	letters app.Letters
	decoder interface {
		Decode(ctx context.Context, forms event.Forms, m *event.Message) error
		Close()
	}
	searched atomic.Int64 // records

	ends    bool                  // the source is read to its end by each run, and has no offsets
	offsets []consumer.OffsetInfo // as they are when they are first asked for
}

// registryLimit is how long a schema registry is waited for.
const registryLimit = 10 * time.Second

// open reaches the broker and the dead letters. The explainer must be closed when err is nil.
func open(ctx context.Context, c config.Config, rules *mapping.Rules, log *zap.Logger) (*explainer, error) {
	decoder, err := app.Content(c, log)
	if err != nil {
		return nil, err
	}
	x := &explainer{rules: rules.ForReplay(), decoder: decoder, ends: c.Source.Section().Ends()}
	if x.broker, err = app.Reach(ctx, c, log); err != nil {
		decoder.Close()
		return nil, err
	}
	if x.letters, err = app.ReachLetters(ctx, c, rules.Hash(), false, log); err != nil {
		x.broker.Close()
		decoder.Close()
		return nil, err
	}
	return x, nil
}

func (x *explainer) close() {
	x.letters.Close()
	x.broker.Close()
	x.decoder.Close()
}

// decode gives a message its content.
func (x *explainer) decode(ctx context.Context, m *event.Message) error {
	soon, cancel := context.WithTimeout(ctx, registryLimit)
	defer cancel()
	err := x.decoder.Decode(soon, x.rules.Forms(m.Origin.Topic), m)
	if err != nil && ctx.Err() == nil {
		return exit.With(exit.Broker, fmt.Errorf("the schema registry has not answered for %s: look at schema_registry",
			registryLimit))
	}
	return err
}

// progress is how far the source has been read.
type progress string

const (
	finished   progress = "finished"     // its calls were taken, are dead letters, or there were none
	unfinished progress = "not_finished" // it is in hand, waits to be read, or was finished out of turn
	unknown    progress = "unknown"      // nothing is committed
	notStored  progress = "not_stored"   // the source is a file, of which each run reads all
)

// progressAt is how far the source has been read past a record. Of a stream that is divided the partition is not known:
// it is finished where all of them are past it.
func (x *explainer) progressAt(ctx context.Context, o event.Origin) (progress, error) {
	if x.ends {
		return notStored, nil
	}
	if x.offsets == nil {
		var err error
		if x.offsets, err = x.broker.Offsets(ctx); err != nil {
			return unknown, exit.With(exit.Broker, fmt.Errorf("read the offsets: %w", err))
		}
	}
	at := unknown
	for _, p := range x.offsets {
		if p.Topic != o.Topic || p.Partition != o.Partition && o.Subject == "" {
			continue
		}
		switch {
		case p.Committed < 0:
		case p.Committed <= o.Offset:
			return unfinished, nil
		default:
			at = finished
		}
	}
	return at, nil
}
