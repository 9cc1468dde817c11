package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
)

// A stream that is not there is waited for. One that was there says so, because what it had unread went with it.
var (
	errNoStream   = errors.New("there is no such stream yet")
	errStreamGone = errors.New("the stream has been deleted, and what nobody had read of it with it: " +
		"make it again, and it is read from its beginning, or restore it from a backup")
)

// openStream looks at the stream, and refuses one that cannot be read as a log.
func (r *reader) openStream(ctx context.Context) (jetstream.Stream, error) {
	name := r.partition.stream
	stream, err := r.conn.JetStream().Stream(ctx, name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound) && r.streamCreated.IsZero():
		return nil, errNoStream
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, errStreamGone
	}
	if err != nil {
		return nil, fmt.Errorf("look at the stream: %w", err)
	}
	if stream.CachedInfo().Config.Retention == jetstream.WorkQueuePolicy {
		return nil, fatalf("it has work-queue retention, where a message is gone once one consumer has it and nothing "+
			"can be read twice: make a stream with limits retention that sources it "+
			"(nats stream add --source %s --retention limits) and read that one", name)
	}
	return stream, nil
}

// checkStreamCreated fails if the stream was deleted and made again under the same name. Its sequences now stand for
// other messages, and the next session reads it from its beginning.
func (r *reader) checkStreamCreated(info *jetstream.StreamInfo) error {
	if r.streamCreated.IsZero() {
		r.streamCreated = info.Created
	}
	if info.Created.Equal(r.streamCreated) {
		return nil
	}
	earlier := r.streamCreated
	r.streamCreated, r.pin, r.checkedFloor, r.skippedTo = info.Created, "", 0, 0
	r.progress = progress{sets: r.progress.sets, committable: firstSeq(info)}
	r.logRecreated(earlier)
	return errStreamRecreated
}

// logRecreated says, once in each process, that reading begins anew.
func (r *reader) logRecreated(earlier time.Time) {
	r.metrics.recreated.Inc()
	r.log.Warn("stream was deleted and made again: the new one is read from its beginning; "+
		"whether the earlier one had unread messages cannot be known, and those are lost",
		zap.Int64("first", r.progress.committable),
		zap.Time("earlier_created", earlier), zap.Time("created", r.streamCreated))
}

// firstSeq is the first sequence that the stream has, or gives next.
func firstSeq(info *jetstream.StreamInfo) int64 { return int64(max(1, info.State.FirstSeq)) }

// dense reports whether all sequences of the stream are to be read here, so that one that is missing means a loss.
// Otherwise some are of other subjects, or newer messages replace older ones.
func (r *reader) dense(info *jetstream.StreamInfo) bool {
	return len(r.partition.filter) == 0 && info.Config.MaxMsgsPerSubject <= 0
}

// streamInfo asks for the state of the stream.
func (r *reader) streamInfo(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.answer)
	defer cancel()
	stream, err := r.conn.JetStream().Stream(ctx, r.partition.stream)
	if err != nil {
		return nil, fmt.Errorf("look at the stream: %w", err)
	}
	return stream.CachedInfo(), nil
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
	// The leader answers this request. A direct get may be answered by a replica that lags.
	subject := r.conn.API("STREAM.MSG.GET.") + r.partition.stream
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

// GapError says that a stream has discarded messages before they were read, by its limits or by somebody's purge. An
// operator either sets the checkpoint past the gap, or restores the messages.
type GapError struct {
	Stream   string
	From, To uint64 // the first and the last sequence that is gone
	Done     uint64 // how many of them were finished, because they were acked above the committable offset
}

// Lost is the number of messages that were never finished.
func (e *GapError) Lost() uint64 { return e.To - e.From + 1 - e.Done }

func (e *GapError) Error() string {
	return fmt.Sprintf("stream %s has discarded %d messages that were not read, sequences %d to %d: "+
		"restore them, or go on at %d with: ciobridge offsets skip",
		e.Stream, e.Lost(), e.From, e.To, e.To+1)
}

// checkFirstGap fails if the front of the stream is past next, where reading goes on. Only sequences lower than
// before count. If reading goes on in spite of a gap, the gap is counted once. Nothing can be said of a stream that
// is not dense.
func (r *reader) checkFirstGap(info *jetstream.StreamInfo, next, before int64) error {
	first := min(int64(info.State.FirstSeq), before)
	if !r.dense(info) || first <= next {
		return nil
	}
	if next = max(next, r.skippedTo); first <= next {
		return nil
	}
	gap := &GapError{
		Stream: r.partition.stream, From: uint64(next), To: uint64(first - 1),
		Done: uint64(r.progress.acked.CountWithin(next, first)),
	}
	if gap.Lost() == 0 {
		return nil
	}
	r.metrics.lost.Add(float64(gap.Lost()))
	if r.cfg.OnGap == consumer.GapSkip {
		r.skippedTo = first
		r.log.Error("stream has discarded messages that were not read: reading goes on behind them, as on_gap says",
			zap.Uint64("from", gap.From), zap.Uint64("to", gap.To), zap.Uint64("lost", gap.Lost()))
		return nil
	}
	return &fatalError{gap}
}
