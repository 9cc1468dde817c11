package explain

import (
	"context"
	"fmt"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

// explainer is what the command works with.
type explainer struct {
	rules    *mapping.Rules
	source   *cli.Source
	letters  app.Letters
	searched atomic.Int64 // records
	bridge   bridge

	ends    bool                  // the source is read to its end by each run, and has no offsets
	offsets []consumer.OffsetInfo // as they are when they are first asked for
}

// open reaches the source and the dead letters. The explainer must be closed when err is nil.
func open(ctx context.Context, c config.Config, rules *mapping.Rules, log *zap.Logger) (*explainer, error) {
	source, err := cli.OpenSource(ctx, c, rules, log)
	if err != nil {
		return nil, err
	}
	letters, err := app.ReachLetters(ctx, c, rules.Hash(), false, log)
	if err != nil {
		source.Close()
		return nil, err
	}
	return &explainer{rules: rules.ForReplay(), source: source, letters: letters, ends: c.Source.Section().Ends()}, nil
}

func (x *explainer) close() {
	x.letters.Close()
	x.source.Close()
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
		if x.offsets, err = x.source.Offsets(ctx); err != nil {
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
