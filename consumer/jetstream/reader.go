package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// reader reads one partition, or one stream that is read whole, session after session. In between it waits for the pin.
//
// run and what it calls use the fields without a lock, except for session, which metrics look at too. While a session
// runs, deliverLoop uses the fields that checkFirstGap needs, and provePin, which keepPin calls, uses none that
// changes.
type reader struct {
	conn         *broker.NATS
	cfg          Config
	partition    partition
	group        *group // nil for a stream that is read whole
	indexInGroup int    // the partition's number in the group
	log          *zap.Logger
	metrics      partitionMetrics
	ack          func(ctx context.Context, subject string) error // waits for the server's answer; tests lose it
	checkpoints  *checkpointStore

	// What is known from one session to the next.
	progress        progress  // how far was read
	pin             string    // of the last session, which may still be ours
	streamCreated   time.Time // when the stream was made; another time means another stream
	wasReading      bool      // the last session was this reader's, so nobody knows better how far was read
	consumerSeen    bool      // the consumer was there
	consumerMissing time.Time // since when the consumer is missing; zero while it is there
	checkedFloor    uint64    // the server's ack floor that was found to be right
	skippedTo       int64     // up to where a gap was counted and skipped

	session atomic.Pointer[session] // nil while the partition is not read here

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

// run reads session after session until ctx ends or the stream cannot be read on.
func (r *reader) run(ctx context.Context, handle event.Handler) error {
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
		if fatal := (*fatalError)(nil); errors.As(err, &fatal) {
			return fmt.Errorf("read stream %s: %w", &r.partition, fatal.err)
		}
		retry.Sleep(ctx, r.cfg.tuning.retry)
	}
}

// runSession waits for the pin, and reads for as long as it holds. It returns why the session ended or could not begin.
func (r *reader) runSession(ctx context.Context, handle event.Handler) error {
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
		if isFatal(err) {
			r.releasePin()
		}
		return err
	}
	return s.run(ctx, broken, handle)
}
