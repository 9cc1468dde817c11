package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/ledger"
)

// loadLimit bounds the reading of the whole partition at the start.
const loadLimit = 2 * time.Minute

// retentionMargin is how much longer than the ledger's retention a topic that is made keeps records.
const retentionMargin = 24 * time.Hour

// Check implements ledger.Store. It reads the whole partition.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	topic, err := s.find(ctx)
	if err != nil {
		err = fmt.Errorf("check: topic %s: %w", s.topic, kafkaError(ctx, err))
		if errors.Is(err, ledger.ErrMissing) && !s.config.Create {
			err = fmt.Errorf("%w; make it, with cleanup.policy=compact,delete, or set ledger.create: true", err)
		}
		return nil, err
	}
	weak, err := s.judge(ctx, topic)
	if err != nil {
		return nil, err
	}
	load, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	if err := s.readAll(load); err != nil {
		return nil, fmt.Errorf("check: topic %s: %w", s.topic, kafkaError(load, err))
	}
	return weak, nil
}

// find looks for the topic, and makes it if the configuration says so.
func (s *Store) find(ctx context.Context) (kafka.Topic, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	topic, err := s.describe(ctx)
	if !errors.Is(kafkaError(ctx, err), ledger.ErrMissing) || !s.config.Create {
		return topic, err
	}
	err = kafkatopic.Make(ctx, s.client, s.topic, 1, s.config.Replicas,
		kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact,delete"},
		kafka.ConfigEntry{ConfigName: "retention.bytes", ConfigValue: "-1"},
		kafka.ConfigEntry{ConfigName: "retention.ms",
			ConfigValue: strconv.FormatInt((s.config.Retention + retentionMargin).Milliseconds(), 10)})
	if err != nil {
		return topic, err
	}
	return s.describe(ctx)
}

func (s *Store) describe(ctx context.Context) (kafka.Topic, error) {
	return kafkatopic.Describe(ctx, s.client, s.topic)
}

// judge compares the topic's settings with what a ledger needs.
func (s *Store) judge(ctx context.Context, topic kafka.Topic) (weak []string, err error) {
	say := func(format string, args ...any) {
		weak = append(weak, fmt.Sprintf("topic %s: "+format, append([]any{s.topic}, args...)...))
	}
	replicas := len(topic.Partitions[0].Replicas)
	if replicas == 1 {
		say("it has one replica: one lost disk loses what was sent; use three")
	}
	settings, err := s.settings(ctx)
	if err != nil {
		say("its settings cannot be read (%v): see for yourself that it keeps records for %s", err, s.config.Retention)
		return weak, nil
	}
	number := func(name string) (int64, bool) {
		n, err := strconv.ParseInt(settings[name], 10, 64)
		return n, err == nil
	}
	policy := settings["cleanup.policy"]
	if ms, ok := number("retention.ms"); ok && ms >= 0 && strings.Contains(policy, "delete") &&
		ms < s.config.Retention.Milliseconds() {
		return nil, fmt.Errorf("%w: topic %s removes records after %s, and ledger.retention is %s: set one of them",
			ledger.ErrUnfit, s.topic, time.Duration(ms)*time.Millisecond, s.config.Retention)
	}
	if size, ok := number("retention.bytes"); ok && size >= 0 && strings.Contains(policy, "delete") {
		return nil, fmt.Errorf("%w: topic %s removes records when it has %d bytes, and what they tell could be sent "+
			"again: set its retention.bytes to -1", ledger.ErrUnfit, s.topic, size)
	}
	if policy == "compact" {
		say("cleanup.policy is compact, so that it grows by one record for each call for ever; use compact,delete")
	}
	if n, ok := number("min.insync.replicas"); ok && n < 2 && replicas > 1 {
		say("min.insync.replicas is %d: a record may be acknowledged by one broker alone; use 2", n)
	}
	if settings["unclean.leader.election.enable"] == "true" {
		say("unclean leader election is on: acknowledged records may be lost, and what they tell sent again")
	}
	return weak, nil
}

func (s *Store) settings(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	return kafkatopic.Settings(ctx, s.client, s.topic, "cleanup.policy", "retention.ms", "retention.bytes",
		"min.insync.replicas", "unclean.leader.election.enable")
}
