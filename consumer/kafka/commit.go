package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/kafkagroup"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// commitEvery is the pause between two commits.
const commitEvery = 200 * time.Millisecond

// commitLoop commits the committable offsets as they move, and what is acked past them.
func (g *generation) commitLoop(ctx context.Context) {
	retries := newRetryLogger(g.source.log, "commit", g.source.metrics.countFailure)
	wait := commitEvery
	for {
		retry.Sleep(ctx, wait)
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

// commitOffsets commits the committable offset of every partition where something has been acked. After an error they
// are committed again, or higher ones.
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
	if err := g.commitNow(ctx, offsets); err != nil {
		return err
	}
	for _, p := range g.partitions {
		if c, ok := offsets[p.key]; ok {
			p.committed, p.committedAcks = c.offset, p.sentAcks
		}
	}
	return nil
}

// commitLast commits the committable offsets at the end of the generation, and tries again for a moment. What it cannot
// commit comes again.
func (g *generation) commitLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, g.member.requestLimit())
	defer cancel()
	again := retry.Policy{First: commitEvery, Longest: commitEvery, Exact: true, Passing: func(err error) bool {
		return !errors.Is(err, errSilence) && !errors.Is(err, kafka.RebalanceInProgress)
	}}
	err := retry.Do(ctx, again, func(ctx context.Context) error {
		if !g.lease.Owned() {
			return errSilence
		}
		return g.commitOffsets(ctx)
	})
	if err != nil {
		g.source.log.Warn("last commit of the generation failed; finished messages come again",
			zap.Int32("generation", g.assignment.ID), zap.Error(err))
	}
}

// commitNow writes offsets for this generation. The answer also tells whether we are still a member.
func (g *generation) commitNow(ctx context.Context, offsets map[partitionKey]checkpoint) error {
	sent := time.Now()
	err := g.member.commit(ctx, g.assignment.Generation, offsets, g.source.metadataLimit(len(offsets)))
	g.source.metrics.countCommit(err)
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

// commit writes offsets for the group, as a member of a generation or from outside. The first error among the
// partitions is returned; the others have been written. Limit is how much metadata goes with each partition.
func (m *member) commit(ctx context.Context, g kafkagroup.Generation, offsets map[partitionKey]checkpoint,
	limit int) error {
	byTopic := map[string][]offsetcommit.RequestPartition{}
	for key, c := range offsets {
		log := ""
		if len(c.acked) > 0 {
			log = m.cluster.logName(key)
		}
		byTopic[key.topic] = append(byTopic[key.topic], offsetcommit.RequestPartition{
			PartitionIndex: key.id, CommittedOffset: c.offset, CommittedLeaderEpoch: -1,
			CommittedMetadata: c.metadata(log, limit),
		})
	}
	req := &offsetcommit.Request{GroupID: m.config.Group, GenerationID: g.ID, MemberID: g.Member, RetentionTimeMs: -1}
	for topic, partitions := range byTopic {
		req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: topic, Partitions: partitions})
	}
	res, err := m.coordinator.Call(ctx, m.requestLimit(), req)
	if err != nil {
		return fmt.Errorf("commit offsets: %w", err)
	}
	for _, t := range res.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if err := m.group.Check("commit the offset of "+t.Name+"/"+strconv.Itoa(int(p.PartitionIndex)),
				p.ErrorCode); err != nil {
				return broker.NeedsTopic(err, "Read", t.Name)
			}
		}
	}
	return nil
}

// checkpoints reads what the group has committed for partitions of the counts given by topic.
func (m *member) checkpoints(ctx context.Context, counts map[string]int) (map[partitionKey]checkpoint, error) {
	req := &offsetfetch.Request{GroupID: m.config.Group}
	for topic, count := range counts {
		t := offsetfetch.RequestTopic{Name: topic}
		for id := range count {
			t.PartitionIndexes = append(t.PartitionIndexes, int32(id))
		}
		req.Topics = append(req.Topics, t)
	}
	res, err := m.coordinator.Call(ctx, m.requestLimit(), req)
	if err != nil {
		return nil, fmt.Errorf("read committed offsets: %w", err)
	}
	r := res.(*offsetfetch.Response)
	if err := m.group.Check("read committed offsets", r.ErrorCode); err != nil {
		return nil, err
	}
	out := map[partitionKey]checkpoint{}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			// An error is never taken for "nothing committed": that would start over, or skip.
			if err := m.group.Check("read the committed offset of "+t.Name+"/"+strconv.Itoa(int(p.PartitionIndex)),
				p.ErrorCode); err != nil {
				return nil, broker.NeedsTopic(err, "Describe", t.Name)
			}
			key := partitionKey{t.Name, p.PartitionIndex}
			out[key] = parseCheckpoint(m.cluster.logName(key), p.CommittedOffset, p.Metadata)
		}
	}
	return out, nil
}
