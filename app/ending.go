package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// errNothingRead is the error of a source that ends by itself and was stopped before it began.
var errNothingRead = errors.New("stopped before anything was read: run it again")

// carry runs the pipeline until ctx ends, and where the source ends by itself up to its end. Then its error says that
// not everything was finished.
func (b *Bridge) carry(ctx context.Context) error {
	if !b.config.Source.Section().Ends() {
		return exit.With(exit.Broker, b.pipeline.Run(ctx))
	}
	return b.runToEnd(ctx)
}

// stoppedBefore is what comes of being stopped before anything was read.
func (b *Bridge) stoppedBefore() error {
	if b.config.Source.Section().Ends() {
		return errNothingRead
	}
	return nil
}

// watchStopEvery is how often it is looked whether the flow has stopped.
const watchStopEvery = 200 * time.Millisecond

// runToEnd runs the pipeline to the end of its source. Where the flow stops over too many failures it ends: what waits
// for an operator elsewhere would only hang here.
func (b *Bridge) runToEnd(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		for retry.Sleep(ctx, watchStopEvery) {
			if b.pipeline.Stopped() != nil {
				cancel()
			}
		}
	})
	err := b.pipeline.Run(ctx)
	cancel()
	watch.Wait()
	if stopped := b.pipeline.Stopped(); stopped != nil {
		err = fmt.Errorf("%w: %w", stopped, err)
	}
	s, end := b.Stats(), "the source was read to its end, and everything is finished"
	if err != nil {
		end = "the source was not read to its end, or something is not finished"
	}
	b.log.Info(end,
		zap.Int("delivered", s.Delivered), zap.Int("skipped", s.Skipped), zap.Int("dead_lettered", s.DeadLettered),
		zap.Int("calls", s.CallsDelivered), zap.Int("requests", s.Requests))
	return err
}
