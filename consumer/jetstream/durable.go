package jetstream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
)

// priorityGroup is the group of readers of which the server pins one.
const priorityGroup = "ciobridge"

// prepare checks that the stream can be read as a log and is as it was read before, and that the consumer is there and as it
// must be. A consumer that is missing is made: where the reading is known to stand, else at start_at.
func (r *reader) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.answer)
	defer cancel()
	stream, err := r.conn.JetStream().Stream(ctx, r.partition.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return errNoStream
	}
	if err != nil {
		return fmt.Errorf("look at the stream: %w", err)
	}
	info := stream.CachedInfo()
	if info.Config.Retention == jetstream.WorkQueuePolicy {
		return fatalf("it has work-queue retention, where a message is gone once one consumer has it and nothing can be read twice: make a stream with limits retention that sources it (nats stream add --source %s --retention limits) and read that one", r.partition.stream)
	}
	if err := r.loadCheckpoint(ctx, info); err != nil {
		return err
	}
	if err := r.checkPartitioning(ctx, stream); err != nil {
		return err
	}
	consumer, err := r.conn.JetStream().Consumer(ctx, r.partition.stream, r.partition.durable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound) && r.awaitsOtherReader():
		return errConsumerGone
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		if err := r.createConsumer(ctx, info); err != nil {
			return err
		}
		return r.checkPartitioning(ctx, stream) // of two that divide in different ways at the same time, one sees the other
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return fatalf("consumer %s is a push consumer: name another durable, or delete it with: nats consumer rm %s %s", r.partition.durable, r.partition.stream, r.partition.durable)
	case err != nil:
		return fmt.Errorf("look at the consumer: %w", err)
	}
	if have := filterOf(consumer.CachedInfo().Config); r.partition.of > 0 && !slices.Equal(have, filterOf(r.consumerConfig())) {
		return &fatalError{r.partitioningChanged(consumer.CachedInfo())}
	}
	if err := checkConsumer(consumer.CachedInfo().Config, r.consumerConfig()); err != nil {
		return err
	}
	r.consumerMissing, r.consumerSeen = time.Time{}, true
	return nil
}

// awaitsOtherReader is true where the consumer was deleted while this replica stood by: the one that was reading makes it again when
// it has drained, and knows better where the reading stood.
func (r *reader) awaitsOtherReader() bool {
	if r.wasReading || !r.consumerSeen {
		return false
	}
	if r.consumerMissing.IsZero() {
		r.consumerMissing = time.Now()
	}
	return time.Since(r.consumerMissing) < r.cfg.DrainLimit+r.cfg.SessionTimeout
}

var errNoStream = errors.New("there is no such stream yet")

// checkStreamCreated ends the turn where the stream was deleted and made again under the same name: sequences stand for other messages, and the
// next turn reads it from its beginning.
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

// logRecreated says, once for each process, that reading begins anew.
func (r *reader) logRecreated(earlier time.Time) {
	r.metrics.recreated.Inc()
	r.log.Warn("stream was deleted and made again: the new one is read from its beginning; whether the earlier one had unread messages cannot be known, and those are lost",
		zap.Int64("first", r.progress.committable), zap.Time("earlier_created", earlier), zap.Time("created", r.streamCreated))
}

// firstSeq is the first sequence that the stream has, or gives next.
func firstSeq(info *jetstream.StreamInfo) int64 { return int64(max(1, info.State.FirstSeq)) }

// checkStreamEnd refuses a stream that was set back to an earlier state: sequences stand for other messages.
func (r *reader) checkStreamEnd(info *jetstream.StreamInfo) error {
	if last, read := info.State.LastSeq, r.progress.lastAcked(); last < read {
		return fatalf("it has gone back: its last sequence is %d, but messages up to %d were read before: sequences now stand for other messages; see what was lost, then set the position with: ciobridge offsets set", last, read)
	}
	return nil
}

// consumerConfig is the consumer that the bridge reads by, but for the place where it starts.
func (r *reader) consumerConfig() jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		Durable:        r.partition.durable,
		AckPolicy:      jetstream.AckAllPolicy,
		AckWait:        r.cfg.tuning.ackWait,
		MaxDeliver:     -1,
		MaxAckPending:  -1,
		ReplayPolicy:   jetstream.ReplayInstantPolicy,
		PriorityPolicy: jetstream.PriorityPolicyPinned,
		PriorityGroups: []string{priorityGroup},
		PinnedTTL:      r.cfg.SessionTimeout,
	}
	if len(r.partition.filter) == 1 {
		cfg.FilterSubject = r.partition.filter[0]
	} else {
		cfg.FilterSubjects = r.partition.filter
	}
	return cfg
}

func (r *reader) createConsumer(ctx context.Context, info *jetstream.StreamInfo) error {
	cfg := r.consumerConfig()
	start, err := consumer.ParseStartAt(r.cfg.StartAt)
	if err != nil {
		return &fatalError{err}
	}
	switch {
	case r.progress.known():
		if err := r.checkFirstGap(info, r.progress.committable, math.MaxInt64); err != nil {
			return err // the new consumer would begin behind the gap without a word
		}
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, uint64(r.progress.committable)
	case start.Latest: // as a sequence, because a consumer of the policy "new" can never be set to another place
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, info.State.LastSeq+1
	case !start.At.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &start.At
	}
	_, err = r.conn.JetStream().CreateConsumer(ctx, r.partition.stream, cfg)
	if errors.Is(err, jetstream.ErrConsumerExists) {
		return fmt.Errorf("make the consumer: another replica was faster: %w", err)
	}
	if err != nil {
		return fmt.Errorf("make the consumer: %w", err)
	}
	r.log.Info("consumer made")
	return nil
}

// checkConsumer refuses a consumer that would deliver out of order, give up on messages, or let two readers in.
func checkConsumer(have, want jetstream.ConsumerConfig) error {
	var differs []string
	check := func(name string, have, want any) {
		if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
			differs = append(differs, fmt.Sprintf("%s is %s, want %s", name, h, w))
		}
	}
	switch have.DeliverPolicy {
	case jetstream.DeliverAllPolicy, jetstream.DeliverByStartSequencePolicy, jetstream.DeliverByStartTimePolicy:
	default:
		check("deliver_policy", wireName(have.DeliverPolicy), wireName(want.DeliverPolicy))
	}
	check("ack_policy", wireName(have.AckPolicy), wireName(want.AckPolicy))
	check("ack_wait", have.AckWait, want.AckWait)
	check("max_deliver", have.MaxDeliver, want.MaxDeliver)
	check("max_ack_pending", have.MaxAckPending, want.MaxAckPending)
	check("backoff", have.BackOff, want.BackOff)
	check("filter_subjects", filterOf(have), filterOf(want))
	check("replay_policy", wireName(have.ReplayPolicy), wireName(want.ReplayPolicy))
	check("rate_limit_bps", have.RateLimit, want.RateLimit)
	check("mem_storage", have.MemoryStorage, want.MemoryStorage)
	check("headers_only", have.HeadersOnly, want.HeadersOnly)
	check("max_batch", have.MaxRequestBatch, want.MaxRequestBatch)
	check("max_expires", have.MaxRequestExpires, want.MaxRequestExpires)
	check("max_bytes", have.MaxRequestMaxBytes, want.MaxRequestMaxBytes)
	check("inactive_threshold", have.InactiveThreshold, want.InactiveThreshold)
	check("priority_policy", wireName(have.PriorityPolicy), wireName(want.PriorityPolicy))
	check("priority_groups", have.PriorityGroups, want.PriorityGroups)
	check("priority_timeout", have.PinnedTTL, want.PinnedTTL)
	if len(differs) == 0 {
		return nil
	}
	apply, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("write the consumer's configuration: %w", err)
	}
	return fatalf("consumer %s is not as the bridge needs it: %s: name another durable, or apply %s with: nats consumer add --config (what cannot be edited needs the consumer deleted first, which loses its place)",
		want.Durable, strings.Join(differs, "; "), apply)
}

// filterOf is what a consumer reads, in order.
func filterOf(c jetstream.ConsumerConfig) []string {
	subjects := slices.Clone(c.FilterSubjects)
	if c.FilterSubject != "" {
		subjects = append(subjects, c.FilterSubject)
	}
	slices.Sort(subjects)
	return subjects
}

// wireName is the name of a policy as the server and its tools write it.
func wireName(policy json.Marshaler) string {
	name, err := policy.MarshalJSON()
	if err != nil {
		return "unknown"
	}
	return cmp.Or(strings.Trim(string(name), `"`), "none")
}

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
