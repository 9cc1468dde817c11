package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/report"
)

// Check implements report.Target. The topic must be there and keep every record.
func (t *Target) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	topic, err := kafkatopic.Describe(ctx, t.client, t.topic)
	if kafkatopic.IsMissing(err) {
		return fmt.Errorf("check the topic %s of reports: %w: make it, with cleanup.policy=delete", t.topic,
			meaning(err))
	}
	if err != nil {
		return fmt.Errorf("check the topic %s of reports: %w", t.topic, meaning(err))
	}
	settings, err := settingsOf(ctx, t.client, t.topic)
	if err != nil {
		return nil //nolint:nilerr // who may not ask is not kept from publishing
	}
	if policy := settings[cleanupPolicy]; strings.Contains(policy, "compact") {
		return fmt.Errorf("%w: the topic %s has cleanup.policy %s, and would keep one row of each object: set it to "+
			"delete", report.ErrUnfit, t.topic, policy)
	}
	return enoughReplicas(t.topic, topic, settings)
}

// Check implements report.Store.
func (s *Store) Check(ctx context.Context) (weak []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	topic, err := s.find(ctx)
	if err != nil {
		err = fmt.Errorf("check the topic %s of the state of reports: %w", s.topic, meaning(err))
		if errors.Is(err, report.ErrMissing) {
			err = fmt.Errorf("%w: make it, with cleanup.policy=compact, or set report_state.create: true", err)
		}
		return nil, err
	}
	say := func(format string, args ...any) {
		weak = append(weak, fmt.Sprintf("topic %s: "+format, append([]any{s.topic}, args...)...))
	}
	replicas := len(topic.Partitions[0].Replicas)
	if replicas == 1 {
		say("it has one replica: with its disk goes what is known of reports, and all is published again; use three")
	}
	settings, err := settingsOf(ctx, s.client, s.topic)
	if err != nil {
		say("its settings cannot be read (%v): see for yourself that its cleanup.policy is compact", err)
		return weak, nil
	}
	if policy := settings[cleanupPolicy]; !strings.Contains(policy, "compact") || strings.Contains(policy, "delete") {
		return nil, fmt.Errorf("%w: the topic %s has cleanup.policy %s, and would forget what was published: set it "+
			"to compact", report.ErrUnfit, s.topic, policy)
	}
	if n, err := strconv.Atoi(settings[minInSync]); err == nil && n < 2 && replicas > 1 {
		say("min.insync.replicas is %d: a record may be acknowledged by one broker alone; use 2", n)
	}
	if settings[unclean] == "true" {
		say("unclean leader election is on: what is known of reports may be lost, and all published again")
	}
	return weak, enoughReplicas(s.topic, topic, settings)
}

// find looks for the topic, and makes it if that is wanted.
func (s *Store) find(ctx context.Context) (kafka.Topic, error) {
	topic, err := kafkatopic.Describe(ctx, s.client, s.topic)
	if !kafkatopic.IsMissing(err) || !s.config.Create {
		return topic, err
	}
	err = kafkatopic.Make(ctx, s.client, s.topic, 1, s.config.Replicas,
		kafka.ConfigEntry{ConfigName: cleanupPolicy, ConfigValue: "compact"})
	if err != nil {
		return topic, fmt.Errorf("make it: %w", err)
	}
	return kafkatopic.Await(ctx, s.client, s.topic, partition)
}

// Names of the settings of a topic that are looked at.
const (
	cleanupPolicy = "cleanup.policy"
	minInSync     = "min.insync.replicas"
	unclean       = "unclean.leader.election.enable"
)

func settingsOf(ctx context.Context, client *kafka.Client, topic string) (map[string]string, error) {
	return kafkatopic.Settings(ctx, client, topic, cleanupPolicy, minInSync, unclean)
}

// enoughReplicas fails for a topic to which nothing can be written.
func enoughReplicas(name string, topic kafka.Topic, settings map[string]string) error {
	want, err := strconv.Atoi(settings[minInSync])
	for _, p := range topic.Partitions {
		if err == nil && want > len(p.Replicas) {
			return fmt.Errorf("%w: the topic %s wants %d replicas in sync (min.insync.replicas) and its partition %d "+
				"has %d: set them alike", report.ErrUnfit, name, want, p.ID, len(p.Replicas))
		}
	}
	return nil
}

// meaning tells what an error means by one of the errors of package report, where it has one.
func meaning(err error) error {
	if kafkatopic.IsMissing(err) {
		return fmt.Errorf("%w: %w", report.ErrMissing, err)
	}
	return err
}
