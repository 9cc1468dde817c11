package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// memory is how far a reader knows its stream to be read: what is stored, and what this process has finished beyond it. It outlives the
// turns of reading, so that a turn that ends repeats nothing.
type memory struct {
	next int64   // everything before is done; 0 while nothing is known
	done settled // what is done beyond
	sets int     // how often an operator had set the checkpoint
	void uint64  // the server's floor that the operator's setting has made void
	past *ledger // of the last turn; what is settled late is settled there
	pin  string  // of that turn
}

func (m *memory) known() bool { return m.next > 0 }

// last is the highest sequence that is known to be done, 0 where none is.
func (m *memory) last() uint64 {
	if n := len(m.done); n > 0 {
		return uint64(m.done[n-1].to - 1)
	}
	return uint64(max(m.next, 1) - 1)
}

// learn adds what is done.
func (m *memory) learn(next int64, done settled) {
	m.next = max(m.next, next)
	all := m.done.union(done)
	for len(all) > 0 && all[0].from <= m.next {
		m.next = max(m.next, all[0].to)
		all = all[1:]
	}
	m.done = slices.Clip(all)
}

// finish takes in what was done in the last turn.
func (m *memory) finish() {
	if m.past != nil {
		next, done, _ := m.past.settled(nil)
		m.learn(next, done)
	}
}

// recall learns from what is stored how far was read, and stores what the last turn finished after its last commit, unless others have
// begun meanwhile.
func (r *streamReader) recall(ctx context.Context, info *jetstream.StreamInfo) error {
	if err := r.recognize(info); err != nil {
		return err
	}
	if err := r.stored.ensure(ctx, info.Config.Replicas); err != nil {
		return err
	}
	stored, err := r.stored.load(ctx)
	if err != nil {
		return err
	}
	if r.adopt(info, stored) {
		r.tellMadeAgain(stored.Created)
	}
	r.memory.finish()
	if stored != nil && r.memory.past != nil && stored.Reader == r.memory.pin && (r.memory.next != stored.Next || !slices.Equal(r.memory.done, stored.settled())) {
		if err := r.stored.save(ctx, r.checkpoint(r.memory.pin, r.memory.next, r.memory.done)); err != nil && !errors.Is(err, errFenced) {
			return err
		}
	}
	return r.goneBack(info)
}

// adopt learns from a checkpoint. One of an earlier stream of the same name says that this one is to be read from its beginning, for all
// that it holds is new; adopt reports whether that is news.
func (r *streamReader) adopt(info *jetstream.StreamInfo, stored *checkpoint) (madeAgain bool) {
	switch m := &r.memory; {
	case stored == nil:
	case !stored.Created.Equal(r.created):
		if !m.known() {
			*m = memory{sets: stored.Sets, next: firstOf(info)}
			return true
		}
	default:
		// What is remembered beyond what is stored counts only where nobody else has begun to read since, and no operator has decided
		// otherwise: another reader may have repeated a person's earlier calls, and to leave out the later ones would leave the person
		// in an old state.
		if stored.Sets != m.sets || m.pin == "" || stored.Reader != m.pin {
			*m = memory{sets: stored.Sets}
		}
		m.void = stored.Void
		m.learn(stored.Next, stored.settled())
	}
	return false
}

// checkpoint is what the reader of a pin is to store of how far was read.
func (r *streamReader) checkpoint(pin string, next int64, done settled) checkpoint {
	c := checkpoint{Stream: r.part.stream, Durable: r.part.durable, Created: r.created, Sets: r.memory.sets, Reader: pin}
	c.settle(next, done)
	return c
}

// claim makes this reader the one that writes the checkpoint from here on, decides where it begins, given the floor that the server has, and
// sets the consumer there.
func (r *streamReader) claim(ctx context.Context, pin string, acked uint64) (base uint64, info *jetstream.StreamInfo, err error) {
	if info, err = r.streamInfo(ctx); err != nil {
		return 0, nil, err
	}
	if err := r.recall(ctx, info); err != nil {
		return 0, nil, err
	}
	if err := r.weigh(ctx, info, acked); err != nil {
		return 0, nil, err
	}
	base, err = r.reset(ctx, acked)
	if err != nil {
		return 0, nil, err
	}
	if int64(base) >= r.memory.next {
		return 0, nil, errFloorMoved
	}
	if err := r.stored.save(ctx, r.checkpoint(pin, r.memory.next, r.memory.done)); err != nil {
		return 0, nil, err
	}
	r.memory.past, r.memory.pin = nil, pin
	return base, info, nil
}

// believe compares the server's floor with how far was read. The server moves its floor for three reasons: an acknowledgement, a purge up to its end, and the deletion of a message in hand, which then
// counts as the acknowledgement of everything before. So a floor ahead of ours is believed only while the message there still exists:
// somebody else has acknowledged it, such as a bridge of an older version. The floor that an operator has found and is about to change
// is not believed.
func (r *streamReader) believe(ctx context.Context, info *jetstream.StreamInfo, acked uint64) error {
	m := &r.memory
	ahead := int64(acked) + 1
	if m.known() && (ahead <= m.next || acked == m.void) {
		return nil
	}
	if m.known() {
		there, err := r.holds(ctx, info, acked)
		if err != nil || !there {
			return err
		}
		r.log.Info("the consumer was acknowledged or set by others: reading goes on there", zap.Int64("from", m.next), zap.Int64("to", ahead))
	}
	m.learn(ahead, nil)
	return nil
}

// weigh compares the server's floor and the front of the stream with how far was read.
func (r *streamReader) weigh(ctx context.Context, info *jetstream.StreamInfo, acked uint64) error {
	m := &r.memory
	if err := r.believe(ctx, info, acked); err != nil {
		return err
	}
	if err := r.goneBack(info); err != nil {
		return err
	}
	if err := r.firstGap(info, m.next, int64(info.State.FirstSeq)); err != nil {
		return err
	}
	if first := int64(info.State.FirstSeq); first > m.next {
		if len(r.part.filter) > 0 {
			r.log.Warn("stream has discarded messages past the floor; whether they were to be read here cannot be told", zap.Int64("from", m.next), zap.Int64("to", first-1))
		}
		m.learn(first, nil) // a consumer that began at a time cannot be set to before what the stream still has
	}
	return nil
}

// holds reports whether the stream has a message of this sequence.
func (r *streamReader) holds(ctx context.Context, info *jetstream.StreamInfo, seq uint64) (bool, error) {
	if seq < info.State.FirstSeq || seq > info.State.LastSeq || info.State.Msgs == 0 {
		return false, nil
	}
	if info.State.NumDeleted == 0 {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.answer)
	defer cancel()
	subject := "$JS.API.STREAM.MSG.GET." + r.part.stream // the leader answers; a direct get may come from a replica that lags
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

// missed looks, where nobody is pinned and the server has nothing to deliver, whether that is because it takes for read what was not: then it
// counts what is gone, or has it delivered again.
func (r *streamReader) missed(ctx context.Context, acked uint64) error {
	if acked == r.looked {
		return nil
	}
	info, err := r.streamInfo(ctx)
	if err != nil {
		return err
	}
	if err := r.recall(ctx, info); err != nil {
		return err
	}
	if r.memory.known() {
		if err := r.weigh(ctx, info, acked); err != nil {
			return err
		}
		if int64(acked) >= r.memory.next {
			if _, err := r.reset(ctx, acked); err != nil {
				return err
			}
		}
	}
	r.looked = acked
	return nil
}
