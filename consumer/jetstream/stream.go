package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

var errNoStream = errors.New("there is no such stream yet")

// openStream looks at the stream, and refuses one that cannot be read as a log.
func (r *reader) openStream(ctx context.Context) (jetstream.Stream, error) {
	name := r.partition.stream
	stream, err := r.conn.JetStream().Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, errNoStream
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

// checkStreamEnd refuses a stream that was set back to an earlier state, because its sequences then stand for other
// messages.
func (r *reader) checkStreamEnd(info *jetstream.StreamInfo) error {
	if last, read := info.State.LastSeq, r.progress.lastAcked(); last < read {
		return fatalf("it has gone back: its last sequence is %d, but messages up to %d were read before: "+
			"sequences now stand for other messages; see what was lost, then set the position with: "+
			"ciobridge offsets set", last, read)
	}
	return nil
}

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
