package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// JetStream is a source that reads streams of NATS JetStream as logs: each in order, by one reader at a time, acknowledged up to
// the point before which everything is done.
//
// The right to read is the server's pin of a client on the consumer. A reader that gains it has the server deliver again from the
// acknowledgement floor, so that what was in flight at another reader comes first and in order. A turn of reading ends with the
// pin, with the connection, or with the first delivery that does not follow the one before; the next turn begins at the floor.
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
	parts := cfg.partitions()
	cfg.FetchBytes = max(cfg.FetchBytes/int64(len(parts)), minFetchBytes)
	cfg.tuning.prefetch = max(cfg.tuning.prefetch/len(parts), min(cfg.tuning.prefetch, minPrefetch))
	j := &Source{conn: conn, group: newGroup(conn, cfg, log)}
	metrics := newMetrics(reg, j)
	shared := 0
	for _, p := range parts {
		r := newReader(conn, cfg, p, log)
		r.metrics = metrics.forPartition(p)
		if p.of > 0 {
			r.group, r.indexInGroup = j.group, shared
			shared++
		}
		j.readers = append(j.readers, r)
	}
	return j, nil
}

// OnReplicas has f told, from a goroutine of Consume's and whenever it changes, among how many replicas the partitions are divided. It is
// not told where no stream has partitions. It must be called before Consume.
func (j *Source) OnReplicas(f func(n int)) {
	if j.group != nil {
		j.group.onReplicas = f
	}
}

// Consume reads until ctx ends; see pipeline.Source. It returns an error when a stream cannot be read on without a decision of the
// operator: see GapError and the errors about the stream's or the consumer's configuration. One such stream ends the
// reading of all.
func (j *Source) Consume(ctx context.Context, handle func(lease context.Context, m event.Message, done func()) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(j.readers))
	var readers, sharing sync.WaitGroup
	present, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer sharing.Wait()
	defer leave() // when nothing is sent any more, so that the others do not take our share of the rate before
	if j.group != nil {
		sharing.Go(func() { j.group.run(present) })
	}
	for i, r := range j.readers {
		readers.Go(func() {
			defer cancel()
			errs[i] = r.run(ctx, handle)
		})
	}
	readers.Wait()
	return errors.Join(errs...)
}

// Ready is nil when every stream is read here or stands by for the replica that reads it, and otherwise says which is not and why.
func (j *Source) Ready() error {
	if troubles := j.Troubles(); len(troubles) > 0 {
		return errors.New(strings.Join(troubles, "\n"))
	}
	return nil
}

// Troubles are the reasons for which nothing flows, or not from every stream, and which last until somebody or something mends them: no
// connection, a store that takes nothing, no such stream, a gap. It is empty while all is well.
func (j *Source) Troubles() []string {
	var troubles []string
	conn := j.conn.Trouble()
	if conn != nil {
		troubles = append(troubles, conn.Error())
	}
	for _, r := range j.readers {
		state, why := r.currentState()
		if state != stateClosed || conn != nil && errors.Is(why, errDisconnected) {
			continue
		}
		troubles = append(troubles, fmt.Sprintf("stream %s: %v", &r.partition, why))
	}
	return troubles
}

// States tells for each stream, or partition named stream/partition, whether it is active (read here), standby (read by another replica, or waiting for its first
// message) or closed (not to be read at the moment; Ready says why).
func (j *Source) States() map[string]string {
	states := map[string]string{}
	for _, r := range j.readers {
		state, _ := r.currentState()
		states[r.partition.String()] = string(state)
	}
	return states
}

// state is what a reader is doing.
type state string

const (
	stateActive  state = "active"
	stateStandby state = "standby"
	stateClosed  state = "closed"
)

// reader reads one stream, or one partition of it, turn after turn.
type reader struct {
	conn         *broker.NATS
	cfg          Config
	partition    partition
	group        *group // nil for a stream that is read whole
	indexInGroup int    // the part's number there
	log          *zap.Logger
	metrics      partitionMetrics
	ack          func(ctx context.Context, subject string) error // confirmed by the server when nil; tests lose it

	// What is known from one turn to the next. Only run and what it calls use it.
	pin             string    // the last pin, which may still be ours
	streamCreated   time.Time // when the stream was made; another time means another stream
	wasReading      bool      // the last turn read, so that nobody knows better how far was read
	consumerSeen    bool      // the consumer was there
	consumerMissing time.Time // since when the consumer is missing; zero while it is there
	progress        progress
	checkpoints     *checkpointStore
	checkedFloor    uint64 // the server's floor that was found to be right
	skippedTo       int64  // up to where a gap was counted and passed over

	session atomic.Pointer[session] // nil while the stream is not read here

	mu           sync.Mutex
	state        state
	closedReason error // why the state is closed
}

var errStarting = errors.New("not joined yet")

func newReader(conn *broker.NATS, cfg Config, part partition, log *zap.Logger) *reader {
	ack := func(ctx context.Context, subject string) error {
		_, err := conn.Conn().RequestWithContext(ctx, subject, []byte("+ACK"))
		return err
	}
	if cfg.tuning == (tuning{}) {
		cfg.tuning = defaultTuning
	}
	return &reader{
		ack: ack, conn: conn, cfg: cfg, partition: part,
		log:         log.With(zap.String("stream", part.stream), zap.String("durable", part.durable)),
		checkpoints: newCheckpointStore(conn, &part),
		state:       stateClosed, closedReason: errStarting,
	}
}

// run reads turn after turn until ctx ends or the stream cannot be read on.
func (r *reader) run(ctx context.Context, handle consumer.Handler) error {
	for {
		err := r.runSession(ctx, handle)
		if ctx.Err() != nil {
			r.setState(stateClosed, ctx.Err())
			return nil
		}
		if errors.Is(err, errReassigned) {
			continue
		}
		r.setState(stateClosed, err)
		if stop := (*fatalError)(nil); errors.As(err, &stop) {
			return fmt.Errorf("read stream %s: %w", &r.partition, stop.err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.cfg.tuning.retry):
		}
	}
}

// runSession waits for the right to read and reads for as long as it holds.
func (r *reader) runSession(ctx context.Context, handle consumer.Handler) error {
	conn := r.conn.Conn()
	broken := conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer conn.RemoveStatusListener(broken)
	if !conn.IsConnected() {
		return errDisconnected
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	pin, err := r.acquirePin(ctx, broken)
	if err != nil {
		return err
	}
	s, err := r.startSession(ctx, pin)
	if err != nil {
		if stop := (*fatalError)(nil); errors.As(err, &stop) {
			r.releasePin()
		}
		return err
	}
	return s.run(ctx, broken, handle)
}

// setState notes the state and logs its changes.
func (r *reader) setState(state state, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.state != state || state == stateClosed && r.closedReason.Error() != why.Error()
	r.state, r.closedReason = state, why
	r.metrics.setState(state)
	switch {
	case !changed:
	case state == stateClosed && errors.Is(why, context.Canceled):
		r.log.Info("stream left")
	case state == stateClosed:
		r.log.Warn("stream not read", zap.Error(why))
	case state == stateActive:
		r.log.Info("stream read here")
	default:
		r.log.Info("stream on standby: it is read here when it has a message and nobody else reads it")
	}
}

func (r *reader) currentState() (state, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state, r.closedReason
}
