package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
)

// progress is how far a reader knows its stream to be read: what is stored, and what this process has finished beyond it. It outlives the
// turns of reading, so that a turn that ends repeats nothing.
type progress struct {
	committable  int64                // everything before is done; 0 while nothing is known
	acked        consumer.AckedRanges // what is done beyond
	sets         int                  // how often an operator had set the checkpoint
	ignoredFloor uint64               // the server's floor that the operator's setting has made void
	lastTracker  *consumer.Tracker    // of the last turn; what is settled late is settled there
	lastPin      string               // of that turn
}

func (m *progress) known() bool { return m.committable > 0 }

// lastAcked is the highest sequence that is known to be done, 0 where none is.
func (m *progress) lastAcked() uint64 {
	if n := len(m.acked); n > 0 {
		return uint64(m.acked[n-1].To - 1)
	}
	return uint64(max(m.committable, 1) - 1)
}

// merge adds what is done.
func (m *progress) merge(next int64, done consumer.AckedRanges) {
	m.committable = max(m.committable, next)
	all := m.acked.Union(done)
	for len(all) > 0 && all[0].From <= m.committable {
		m.committable = max(m.committable, all[0].To)
		all = all[1:]
	}
	m.acked = slices.Clip(all)
}

// mergeLastSession takes in what was done in the last turn.
func (m *progress) mergeLastSession() {
	if m.lastTracker != nil {
		next, done, _ := m.lastTracker.Acked(nil)
		m.merge(next, done)
	}
}

// loadCheckpoint learns from what is stored how far was read, and stores what the last turn finished after its last commit, unless others have
// begun meanwhile.
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
	r.progress.mergeLastSession()
	if stored != nil && r.progress.lastTracker != nil && stored.Reader == r.progress.lastPin && (r.progress.committable != stored.Committable || !slices.Equal(r.progress.acked, stored.acked())) {
		if err := r.checkpoints.save(ctx, r.checkpoint(r.progress.lastPin, r.progress.committable, r.progress.acked)); err != nil && !errors.Is(err, errFenced) {
			return err
		}
	}
	return r.checkStreamEnd(info)
}

// mergeCheckpoint learns from a checkpoint. One of an earlier stream of the same name says that this one is to be read from its beginning, for all
// that it holds is new; mergeCheckpoint reports whether that is news.
func (r *reader) mergeCheckpoint(info *jetstream.StreamInfo, stored *checkpoint) (madeAgain bool) {
	switch m := &r.progress; {
	case stored == nil:
	case !stored.Created.Equal(r.streamCreated):
		if !m.known() {
			*m = progress{sets: stored.Sets, committable: firstSeq(info)}
			return true
		}
	default:
		// What is remembered beyond what is stored counts only where nobody else has begun to read since, and no operator has decided
		// otherwise: another reader may have repeated a person's earlier calls, and to leave out the later ones would leave the person
		// in an old state.
		if stored.Sets != m.sets || m.lastPin == "" || stored.Reader != m.lastPin {
			*m = progress{sets: stored.Sets}
		}
		m.ignoredFloor = stored.IgnoredFloor
		m.merge(stored.Committable, stored.acked())
	}
	return false
}

// checkpoint is what the reader of a pin is to store of how far was read.
func (r *reader) checkpoint(pin string, next int64, done consumer.AckedRanges) checkpoint {
	c := checkpoint{Stream: r.partition.stream, Durable: r.partition.durable, Created: r.streamCreated, Sets: r.progress.sets, Reader: pin}
	c.setAcked(next, done)
	return c
}

// startFromCheckpoint makes this reader the one that writes the checkpoint from here on, decides where it begins, given the floor that the server has, and
// sets the consumer there.
func (r *reader) startFromCheckpoint(ctx context.Context, pin string, acked uint64) (base uint64, info *jetstream.StreamInfo, err error) {
	if info, err = r.streamInfo(ctx); err != nil {
		return 0, nil, err
	}
	if err := r.loadCheckpoint(ctx, info); err != nil {
		return 0, nil, err
	}
	if err := r.checkPosition(ctx, info, acked); err != nil {
		return 0, nil, err
	}
	base, err = r.resetConsumer(ctx, acked)
	if err != nil {
		return 0, nil, err
	}
	if int64(base) >= r.progress.committable {
		return 0, nil, errFloorMoved
	}
	if err := r.checkpoints.save(ctx, r.checkpoint(pin, r.progress.committable, r.progress.acked)); err != nil {
		return 0, nil, err
	}
	r.progress.lastTracker, r.progress.lastPin = nil, pin
	return base, info, nil
}

// mergeAckFloor compares the server's floor with how far was read. The server moves its floor for three reasons: an acknowledgement, a purge up to its end, and the deletion of a message in hand, which then
// counts as the acknowledgement of everything before. So a floor ahead of ours is believed only while the message there still exists:
// somebody else has acknowledged it, such as a bridge of an older version. The floor that an operator has found and is about to change
// is not believed.
func (r *reader) mergeAckFloor(ctx context.Context, info *jetstream.StreamInfo, acked uint64) error {
	m := &r.progress
	ahead := int64(acked) + 1
	if m.known() && (ahead <= m.committable || acked == m.ignoredFloor) {
		return nil
	}
	if m.known() {
		there, err := r.hasMessage(ctx, info, acked)
		if err != nil || !there {
			return err
		}
		r.log.Info("the consumer was acknowledged or set by others: reading goes on there", zap.Int64("from", m.committable), zap.Int64("to", ahead))
	}
	m.merge(ahead, nil)
	return nil
}

// checkPosition compares the server's floor and the front of the stream with how far was read.
func (r *reader) checkPosition(ctx context.Context, info *jetstream.StreamInfo, acked uint64) error {
	m := &r.progress
	if err := r.mergeAckFloor(ctx, info, acked); err != nil {
		return err
	}
	if err := r.checkStreamEnd(info); err != nil {
		return err
	}
	if err := r.checkFirstGap(info, m.committable, int64(info.State.FirstSeq)); err != nil {
		return err
	}
	if first := int64(info.State.FirstSeq); first > m.committable {
		if len(r.partition.filter) > 0 {
			r.log.Warn("stream has discarded messages past the floor; whether they were to be read here cannot be told", zap.Int64("from", m.committable), zap.Int64("to", first-1))
		}
		m.merge(first, nil) // a consumer that began at a time cannot be set to before what the stream still has
	}
	return nil
}

// hasMessage reports whether the stream has a message of this sequence.
func (r *reader) hasMessage(ctx context.Context, info *jetstream.StreamInfo, seq uint64) (bool, error) {
	if seq < info.State.FirstSeq || seq > info.State.LastSeq || info.State.Msgs == 0 {
		return false, nil
	}
	if info.State.NumDeleted == 0 {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.answer)
	defer cancel()
	subject := "$JS.API.STREAM.MSG.GET." + r.partition.stream // the leader answers; a direct get may come from a replica that lags
	m, err := r.conn.Conn().RequestWithContext(ctx, subject, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err != nil {
		return false, fmt.Errorf("look for message %d, which needs the right to publish to %s: %w", seq, subject, err)
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return false, fmt.Errorf("look for message %d: %w", seq, err)
	}
	switch {
	case answer.Error == nil:
		return true, nil
	case answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return false, nil
	}
	return false, fmt.Errorf("look for message %d: %w", seq, answer.Error)
}

// checkUnread looks, where nobody is pinned and the server has nothing to deliver, whether that is because it takes for read what was not: then it
// counts what is gone, or has it delivered again.
func (r *reader) checkUnread(ctx context.Context, acked uint64) error {
	if acked == r.checkedFloor {
		return nil
	}
	info, err := r.streamInfo(ctx)
	if err != nil {
		return err
	}
	if err := r.loadCheckpoint(ctx, info); err != nil {
		return err
	}
	if r.progress.known() {
		if err := r.checkPosition(ctx, info, acked); err != nil {
			return err
		}
		if int64(acked) >= r.progress.committable {
			if _, err := r.resetConsumer(ctx, acked); err != nil {
				return err
			}
		}
	}
	r.checkedFloor = acked
	return nil
}
