package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
)

// progress is how far a reader knows its partition to be read: what the checkpoint says, and what this process has
// finished after its last commit. It outlives the sessions, so that a session that ends repeats nothing.
type progress struct {
	committable  int64                // everything before is acked; 0 while nothing is known
	acked        consumer.AckedRanges // what is acked above it
	sets         int                  // how often an operator had set the checkpoint
	ignoredFloor uint64               // the server's ack floor when an operator set the checkpoint last
	lastTracker  *consumer.Tracker    // of the last session; what is acked late is acked there
	lastPin      string               // of that session
}

func (p *progress) known() bool { return p.committable > 0 }

// lastAcked is the highest sequence that is known to be acked, 0 where none is.
func (p *progress) lastAcked() uint64 {
	if n := len(p.acked); n > 0 {
		return uint64(p.acked[n-1].To - 1)
	}
	return uint64(max(p.committable, 1) - 1)
}

// merge adds what is acked.
func (p *progress) merge(committable int64, acked consumer.AckedRanges) {
	p.committable = max(p.committable, committable)
	all := p.acked.Union(acked)
	for len(all) > 0 && all[0].From <= p.committable {
		p.committable = max(p.committable, all[0].To)
		all = all[1:]
	}
	p.acked = slices.Clip(all)
}

// mergeLastSession adds what was acked in the last session, also after its end.
func (p *progress) mergeLastSession() {
	if p.lastTracker != nil {
		committable, acked, _ := p.lastTracker.Acked(nil)
		p.merge(committable, acked)
	}
}

// checkStreamEnd refuses a stream that was set back to an earlier state, because its sequences then stand for other
// messages. The state that is given may be older than the checkpoint, which another replica has written meanwhile:
// then it looks again.
func (r *reader) checkStreamEnd(ctx context.Context, info *jetstream.StreamInfo) error {
	read := r.progress.lastAcked()
	if info.State.LastSeq >= read {
		return nil
	}
	info, err := r.streamInfo(ctx)
	if err != nil {
		return err
	}
	if last := info.State.LastSeq; last < read {
		return fatalf("it has gone back: its last sequence is %d, but messages up to %d were read before: "+
			"sequences now stand for other messages; see what was lost, then set the position with: "+
			"ciobridge offsets set", last, read)
	}
	return nil
}

// loadCheckpoint merges the stored checkpoint into the progress. It also stores what the last session finished after
// its last commit, unless others have begun to read since.
func (r *reader) loadCheckpoint(ctx context.Context, info *jetstream.StreamInfo) error {
	if err := r.checkStreamCreated(info); err != nil {
		return err
	}
	if err := r.checkpoints.ensure(ctx, info.Config.Replicas); err != nil {
		return err
	}
	stored, err := r.checkpoints.load(ctx)
	if err != nil {
		return err
	}
	if r.mergeCheckpoint(info, stored) {
		r.logRecreated(stored.Created)
	}
	p := &r.progress
	p.mergeLastSession()
	if stored != nil && p.lastTracker != nil && stored.Reader == p.lastPin &&
		(p.committable != stored.Committable || !slices.Equal(p.acked, stored.acked())) {
		err := r.checkpoints.save(ctx, r.checkpoint(p.lastPin, p.committable, p.acked))
		if err != nil && !errors.Is(err, errFenced) {
			return err
		}
	}
	return r.checkStreamEnd(ctx, info)
}

// mergeCheckpoint merges a checkpoint into the progress. A checkpoint of an earlier stream of the same name says that
// the stream there is now is to be read from its beginning, because all messages in it are new. mergeCheckpoint
// reports whether that is news.
func (r *reader) mergeCheckpoint(info *jetstream.StreamInfo, stored *checkpoint) (recreated bool) {
	switch p := &r.progress; {
	case stored == nil:
	case !stored.Created.Equal(r.streamCreated):
		if !p.known() {
			*p = progress{sets: stored.Sets, committable: firstSeq(info)}
			return true
		}
	default:
		// What this process knows beyond the checkpoint counts only if nobody else has begun to read since, and no
		// operator has set the checkpoint. Another reader may have repeated earlier calls of a person. To leave out
		// the later ones would leave the person in an old state.
		if stored.Sets != p.sets || p.lastPin == "" || stored.Reader != p.lastPin {
			*p = progress{sets: stored.Sets}
		}
		p.ignoredFloor = stored.IgnoredFloor
		p.merge(stored.Committable, stored.acked())
	}
	return false
}

// checkpoint is what the reader with this pin is to store.
func (r *reader) checkpoint(pin string, committable int64, acked consumer.AckedRanges) checkpoint {
	c := checkpoint{
		Stream: r.partition.stream, Durable: r.partition.durable, Created: r.streamCreated,
		Sets: r.progress.sets, Reader: pin,
	}
	c.setAcked(committable, acked)
	return c
}

// startFromCheckpoint decides where the session begins, given the server's ack floor, resets the consumer to that
// place, and stores the checkpoint under the pin. From then on only this reader can write it. Deliveries begin after
// the sequence base.
func (r *reader) startFromCheckpoint(
	ctx context.Context, pin string, ackFloor uint64,
) (base uint64, info *jetstream.StreamInfo, err error) {
	if info, err = r.streamInfo(ctx); err != nil {
		return 0, nil, err
	}
	if err := r.loadCheckpoint(ctx, info); err != nil {
		return 0, nil, err
	}
	if err := r.checkPosition(ctx, info, ackFloor); err != nil {
		return 0, nil, err
	}
	base, err = r.resetConsumer(ctx, ackFloor)
	if err != nil {
		return 0, nil, err
	}
	p := &r.progress
	if int64(base) >= p.committable {
		return 0, nil, errFloorMoved
	}
	if err := r.checkpoints.save(ctx, r.checkpoint(pin, p.committable, p.acked)); err != nil {
		return 0, nil, err
	}
	p.lastTracker, p.lastPin = nil, pin
	return base, info, nil
}

// checkPosition compares the progress with the server's ack floor and with the front of the stream. It returns an
// error where messages are lost and an operator has to decide.
func (r *reader) checkPosition(ctx context.Context, info *jetstream.StreamInfo, ackFloor uint64) error {
	p := &r.progress
	if err := r.mergeAckFloor(ctx, info, ackFloor); err != nil {
		return err
	}
	if err := r.checkStreamEnd(ctx, info); err != nil {
		return err
	}
	first := int64(info.State.FirstSeq)
	if err := r.checkFirstGap(info, p.committable, first); err != nil {
		return err
	}
	if first > p.committable {
		if len(r.partition.filter) > 0 {
			r.log.Warn("stream has discarded messages past the floor; whether they were to be read here cannot be told",
				zap.Int64("from", p.committable), zap.Int64("to", first-1))
		}
		p.merge(first, nil) // a consumer that began at a time cannot be reset to before what the stream still has
	}
	return nil
}

// mergeAckFloor compares the server's ack floor with the progress. The server moves its floor for three reasons: for
// an ack, for a purge, up to its end, and for the deletion of a message in flight, as if everything before it were
// acked. So a floor ahead of our progress counts only if the message at the floor still exists. Then somebody else
// has acked it, such as a bridge of an older version. The floor that an operator has found when setting the
// checkpoint does not count.
func (r *reader) mergeAckFloor(ctx context.Context, info *jetstream.StreamInfo, ackFloor uint64) error {
	p := &r.progress
	next := int64(ackFloor) + 1
	if p.known() && (next <= p.committable || ackFloor == p.ignoredFloor) {
		return nil
	}
	if p.known() {
		exists, err := r.hasMessage(ctx, info, ackFloor)
		if err != nil || !exists {
			return err
		}
		r.log.Info("the consumer was acknowledged or set by others: reading goes on there",
			zap.Int64("from", p.committable), zap.Int64("to", next))
	}
	p.merge(next, nil)
	return nil
}

// resetConsumer has the server deliver again from its ack floor on, or from our committable offset where that is
// lower. Delivery goes on after the sequence base.
func (r *reader) resetConsumer(ctx context.Context, acked uint64) (base uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.SessionTimeout/2)
	defer cancel()
	js := r.conn.JetStream()
	var reset *jetstream.ConsumerResetResponse
	if m := &r.progress; m.known() && m.committable <= int64(acked) {
		reset, err = js.ResetConsumerToSequence(ctx, r.partition.stream, r.partition.durable, uint64(m.committable))
	} else {
		reset, err = js.ResetConsumer(ctx, r.partition.stream, r.partition.durable)
	}
	if err != nil {
		return 0, fmt.Errorf("set the consumer back to its floor: %w", err)
	}
	return reset.ResetSeq - 1, nil
}
