package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker/kafkagroup"
)

// commitEvery is the pause between two commits.
const commitEvery = 200 * time.Millisecond

// commitLoop commits the committable offsets as they move, and what is done past them.
func (g *generation) commitLoop(ctx context.Context) {
	retries := newRetryLogger(g.source.log, "commit", g.source.metrics.failed)
	wait := commitEvery
	for {
		pause(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		wait = commitEvery
		if err := g.commitOffsets(ctx); err != nil && ctx.Err() == nil {
			wait = max(commitEvery, retries.failed(err))
		} else if err == nil {
			retries.succeeded()
		}
	}
}

// commitOffsets commits the committable offset of every partition where something has been done. After an error they are committed again, or higher ones.
func (g *generation) commitOffsets(ctx context.Context) error {
	offsets := map[partitionKey]checkpoint{}
	for _, p := range g.partitions {
		if c, ok := p.uncommitted(); ok {
			c.reader = g.source.reader
			offsets[p.key] = c
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	if err := g.commit(ctx, offsets); err != nil {
		return err
	}
	for _, p := range g.partitions {
		if c, ok := offsets[p.key]; ok {
			p.written, p.acks = c.offset, p.acksSent
		}
	}
	return nil
}

// commitLast commits the committable offsets at the end of the generation, and tries again for a moment. What it cannot commit comes again.
func (g *generation) commitLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, g.member.requestLimit())
	defer cancel()
	err := errSilence
	for g.lease.Owned() && ctx.Err() == nil {
		err = g.commitOffsets(ctx)
		if err == nil || errors.Is(err, kafka.RebalanceInProgress) {
			break
		}
		pause(ctx, commitEvery)
	}
	if err != nil {
		g.source.log.Warn("last commit of the generation failed; finished messages come again",
			zap.Int32("generation", g.assignment.ID), zap.Error(err))
	}
}

// commit writes offsets for this generation. The answer also tells whether we are still a member.
func (g *generation) commit(ctx context.Context, offsets map[partitionKey]checkpoint) error {
	sent := time.Now()
	err := g.member.commit(ctx, g.assignment.Generation, offsets, g.source.metadataLimit(len(offsets)))
	g.source.metrics.committed(err)
	g.source.lessMetadata(err, len(offsets))
	switch {
	case err == nil:
		g.lease.Renew(sent)
	case kafkagroup.Expelled(err):
		g.lease.Lose()
		g.finish(errExpelled)
	case errors.Is(err, kafka.RebalanceInProgress):
		g.finish(errRebalance)
	}
	return err
}
