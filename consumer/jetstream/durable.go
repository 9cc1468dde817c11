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

	"github.com/ciobridge/ciobridge/consumer"
)

// priorityGroup is the name of the group of clients of which the server pins one.
const priorityGroup = "ciobridge"

// prepare checks that the partition can be read as a log, and that the stream is the one that was read before. It
// checks the consumer too, and makes it if it is missing: where the reading is known to stand, else at start_at.
func (r *reader) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.answer)
	defer cancel()
	stream, err := r.openStream(ctx)
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
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
		// Of two replicas that divide the stream in different ways at the same time, one sees the other here.
		return r.checkPartitioning(ctx, stream)
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		p := &r.partition
		return fatalf("consumer %s is a push consumer: name another durable, or delete it with: nats consumer rm %s %s",
			p.durable, p.stream, p.durable)
	case err != nil:
		return fmt.Errorf("look at the consumer: %w", err)
	}
	if err := r.checkOwnConsumer(consumer.CachedInfo()); err != nil {
		return err
	}
	r.consumerMissing, r.consumerSeen = time.Time{}, true
	return nil
}

// checkOwnConsumer refuses a consumer that does not deliver what this reader must read.
func (r *reader) checkOwnConsumer(have *jetstream.ConsumerInfo) error {
	want := r.consumerConfig()
	if r.partition.of > 0 && !slices.Equal(filterOf(have.Config), filterOf(want)) {
		return &fatalError{r.partitioningChanged(have)}
	}
	return checkConsumer(have.Config, want)
}

// awaitsOtherReader reports whether the consumer was deleted a short while ago, while this replica was on standby.
// The replica that was reading makes it again when it has drained, and knows better where the reading stood.
func (r *reader) awaitsOtherReader() bool {
	if r.wasReading || !r.consumerSeen {
		return false
	}
	if r.consumerMissing.IsZero() {
		r.consumerMissing = time.Now()
	}
	return time.Since(r.consumerMissing) < r.cfg.DrainLimit+r.cfg.SessionTimeout
}

// consumerConfig is the configuration of the consumer, but for the place where it starts.
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

// createConsumer makes the consumer: at the committable offset if that is known, else at start_at.
func (r *reader) createConsumer(ctx context.Context, info *jetstream.StreamInfo) error {
	cfg := r.consumerConfig()
	start, err := consumer.ParseStartAt(r.cfg.StartAt)
	if err != nil {
		return &fatalError{err}
	}
	switch {
	case r.progress.known():
		if err := r.checkFirstGap(info, r.progress.committable, math.MaxInt64); err != nil {
			return err // the new consumer would skip the gap without a word
		}
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, uint64(r.progress.committable)
	case start.Latest: // as a sequence, because a consumer of the policy "new" cannot be reset to another place
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
	return fatalf("consumer %s is not as the bridge needs it: %s: name another durable, or apply %s with: "+
		"nats consumer add --config (what cannot be edited needs the consumer deleted first, which loses its place)",
		want.Durable, strings.Join(differs, "; "), apply)
}

// filterOf is the subjects that a consumer reads, sorted.
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
