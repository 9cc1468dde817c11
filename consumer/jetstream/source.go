package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
)

// Source reads streams of NATS JetStream as logs: each in its order, by one replica at a time, with one committable
// offset.
//
// A stream is read whole, or divided into partitions by subject. For each there is one reader, with a durable
// consumer of its own on the server. Among the replicas, the one to which the server has given the consumer's pin may
// read. The others are on standby. A replica that gets the pin goes on from the checkpoint: what was in flight at
// another replica comes first, in order, and what was acked there is left out. Messages that come from Consume are
// under the lease that goes with the pin.
//
// Consume starts a goroutine for each reader, and one that tells the replicas of one another if streams have
// partitions. It returns when ctx has ended, or when one of the streams cannot be read on without an operator, and
// all goroutines have ended. Ready, Troubles and States may be called at any time.
type Source struct {
	conn    *broker.NATS
	readers []*reader
	group   *group // nil where no stream has partitions
}

// New makes the source. It asks the server for nothing yet.
func New(conn *broker.NATS, cfg Config, log *zap.Logger, reg prometheus.Registerer) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.tuning == (tuning{}) {
		cfg.tuning = defaultTuning
	}
	partitions := cfg.partitions()
	cfg.FetchBytes = max(cfg.FetchBytes/int64(len(partitions)), minFetchBytes)
	cfg.tuning.prefetch = max(cfg.tuning.prefetch/len(partitions), min(cfg.tuning.prefetch, minPrefetch))
	s := &Source{conn: conn, group: newGroup(conn, cfg, log)}
	metrics := newMetrics(s)
	grouped := 0
	for _, p := range partitions {
		r := newReader(conn, cfg, p, log)
		r.metrics = metrics.forPartition(p)
		if p.of > 0 {
			r.group, r.indexInGroup = s.group, grouped
			grouped++
		}
		s.readers = append(s.readers, r)
	}
	metrics.register(reg) // from here on another goroutine may look at the readers
	return s, nil
}

// OnReplicas sets a function that is told among how many replicas the partitions are divided, whenever that changes.
// It is called from a goroutine of Consume, and never where no stream has partitions. OnReplicas must be called
// before Consume.
func (s *Source) OnReplicas(f func(n int)) {
	if s.group != nil {
		s.group.onReplicas = f
	}
}

// Consume reads until ctx ends; see pipeline.Source. It returns an error when a stream cannot be read on without a
// decision of the operator: see GapError, DivisionError, and the errors about the configuration of stream and
// consumer. One such stream ends the reading of all.
func (s *Source) Consume(
	ctx context.Context, handle event.Handler,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	handle = consumer.WaitWhereStopped(handle)
	errs := make([]error, len(s.readers))
	var readers, group sync.WaitGroup
	// The replica stays in the group until it sends nothing more: the others would take over its share of the rate.
	present, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer group.Wait()
	defer leave()
	if s.group != nil {
		group.Go(func() { s.group.run(present) })
	}
	for i, r := range s.readers {
		readers.Go(func() {
			defer cancel()
			errs[i] = r.run(ctx, handle)
		})
	}
	readers.Wait()
	return errors.Join(errs...)
}

// Ready is nil when every stream is read here, or by another replica while this one is on standby. Otherwise it says
// which stream is not, and why.
func (s *Source) Ready() error {
	if troubles := s.Troubles(); len(troubles) > 0 {
		return errors.New(strings.Join(troubles, "\n"))
	}
	return nil
}

// Troubles are the reasons why nothing is read, or not from every stream, which last until somebody or something
// mends them: no connection, a store that takes nothing, no such stream, a gap. It is empty while all is well.
func (s *Source) Troubles() []string {
	var troubles []string
	conn := s.conn.Trouble()
	if conn != nil {
		troubles = append(troubles, conn.Error())
	}
	for _, r := range s.readers {
		state, why := r.currentState()
		if state != stateClosed || conn != nil && errors.Is(why, errDisconnected) {
			continue
		}
		troubles = append(troubles, fmt.Sprintf("stream %s: %v", &r.partition, why))
	}
	return troubles
}

// States tells the state of each stream, or of each partition, which is named stream/partition. It is active where
// the stream is read here, standby where another replica reads it or it has no message yet, and closed where it
// cannot be read at the moment; Ready says why.
func (s *Source) States() map[string]string {
	states := map[string]string{}
	for _, r := range s.readers {
		state, _ := r.currentState()
		states[r.partition.String()] = string(state)
	}
	return states
}

// Partitions says of each stream, or of each partition of one, in their order, how it is read. Its lag is as of the
// last renewal of the right to read.
func (s *Source) Partitions() []consumer.PartitionState {
	now := time.Now()
	list := make([]consumer.PartitionState, len(s.readers))
	for i, r := range s.readers {
		state, _ := r.currentState()
		list[i] = consumer.PartitionState{Topic: r.partition.stream, Partition: r.partition.index,
			State: string(state)}
		if session := r.session.Load(); session != nil {
			list[i].Describe(session.tracker, now)
			list[i].Lag = int64(session.lag.Load())
		}
	}
	return list
}
