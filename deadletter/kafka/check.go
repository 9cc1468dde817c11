package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
)

// Check proves that the topic exists, makes it if the configuration says so, and reads its settings.
func (k *Store) Check(ctx context.Context) ([]string, error) {
	if err := k.sealer.Check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	topic, err := k.describe(ctx)
	if errors.Is(kafkaError(ctx, err), deadletter.ErrMissing) && k.cfg.Create {
		if err := k.create(ctx); err != nil {
			return nil, fmt.Errorf("create topic %s: %w", k.topic, kafkaError(ctx, err))
		}
		topic, err = k.describe(ctx)
	}
	if err != nil {
		err = broker.NeedsTopic(err, "Describe", k.topic)
		err = fmt.Errorf("check topic %s: %w", k.topic, kafkaError(ctx, err))
		if errors.Is(err, deadletter.ErrMissing) {
			err = fmt.Errorf("%w; make it, or set dead_letters.create: true", err)
		}
		return nil, err
	}
	replicas, weak := k.replication(topic)
	settings, err := k.settings(ctx)
	if err != nil {
		return append(weak, fmt.Sprintf("the settings of topic %s cannot be read (%v): "+
			"see for yourself that its cleanup.policy is delete and its retention long", k.topic, err)), nil
	}
	more, err := k.judge(settings, replicas)
	return append(weak, more...), err
}

// create makes the topic and returns when the leaders of its partitions answer.
func (k *Store) create(ctx context.Context) error {
	err := kafkatopic.Make(ctx, k.client, k.topic, k.cfg.Partitions, k.cfg.Replicas,
		kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "delete"},
		kafka.ConfigEntry{ConfigName: "retention.ms",
			ConfigValue: strconv.FormatInt(k.cfg.Retention.Milliseconds(), 10)})
	if err != nil {
		return err
	}
	_, err = k.bounds(ctx, kafka.LastOffset)
	return err
}

// replication returns the smallest number of replicas of a partition, and what is weak about them.
func (k *Store) replication(topic kafka.Topic) (replicas int, weak []string) {
	lagging := 0
	for i, p := range topic.Partitions {
		if i == 0 || len(p.Replicas) < replicas {
			replicas = len(p.Replicas)
		}
		if len(p.Isr) < len(p.Replicas) {
			lagging++
		}
	}
	if replicas == 1 {
		weak = append(weak,
			fmt.Sprintf("topic %s has one replica: one lost disk loses the dead letters; use three", k.topic))
	}
	if lagging > 0 {
		weak = append(weak, fmt.Sprintf("%d partitions of topic %s lack in-sync replicas", lagging, k.topic))
	}
	return replicas, weak
}

// settings reads the topic's configuration.
func (k *Store) settings(ctx context.Context) (map[string]string, error) {
	settings, err := kafkatopic.Settings(ctx, k.client, k.topic, "cleanup.policy", "retention.ms",
		"min.insync.replicas", "max.message.bytes", "unclean.leader.election.enable")
	if err != nil {
		return nil, kafkaError(ctx, err)
	}
	return settings, nil
}

// judge compares the topic's settings with what dead letters need.
func (k *Store) judge(settings map[string]string, replicas int) (weak []string, err error) {
	number := func(name string) (int64, bool) {
		n, err := strconv.ParseInt(settings[name], 10, 64)
		return n, err == nil
	}
	say := func(format string, args ...any) {
		weak = append(weak, fmt.Sprintf("topic %s: "+format, append([]any{k.topic}, args...)...))
	}
	if strings.Contains(settings["cleanup.policy"], "compact") {
		return nil, fmt.Errorf("topic %s has cleanup.policy %s: a person's newer letter would remove the older one; "+
			"set it to delete", k.topic, settings["cleanup.policy"])
	}
	if n, ok := number("min.insync.replicas"); ok {
		switch {
		case int(n) > replicas:
			return nil, fmt.Errorf("topic %s wants %d in-sync replicas and has %d: %w",
				k.topic, n, replicas, deadletter.ErrNotEnoughReplicas)
		case n < 2 && replicas > 1:
			say("min.insync.replicas is %d: a letter may be acknowledged by one broker alone; use 2", n)
		}
	}
	if n, ok := number("retention.ms"); ok && n >= 0 && time.Duration(n)*time.Millisecond < deadletter.MinRetention {
		say("retention is %s: letters may be gone before someone looks; use 7 days or more",
			time.Duration(n)*time.Millisecond)
	}
	if n, ok := number("max.message.bytes"); ok && n < int64(k.cfg.MaxBytes) {
		say("max.message.bytes is %d, below dead_letters.max_bytes %d: larger letters will be cut", n, k.cfg.MaxBytes)
	}
	if settings["unclean.leader.election.enable"] == "true" {
		say("unclean leader election is on: acknowledged letters may be lost")
	}
	return weak, nil
}
