package kafka

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/output"
)

// topic looks at a topic of events, and returns the size of its largest message; 0 where nobody tells it.
func (x *examination) topic(ctx context.Context, topic string) (limit int64) {
	what := "topic " + topic
	x.replication(ctx, topic)
	settings, err := kafkatopic.Settings(ctx, x.conn.Client(), topic, "retention.ms", "retention.bytes",
		"cleanup.policy",
		"min.insync.replicas", "max.message.bytes")
	if err != nil {
		x.Warn(what, "its settings cannot be read: "+err.Error(), "give the bridge the right DescribeConfigs on it")
		return 0
	}
	x.retention("retention of "+what, settings)
	if n := number(settings["min.insync.replicas"]); n == 1 {
		x.Warn("replicas of "+what, "min.insync.replicas is 1: a producer's event may be acknowledged by one broker "+
			"alone", "use 2")
	}
	limit = number(settings["max.message.bytes"])
	if limit > int64(x.config.MaxBatchBytes) {
		x.Warn("limits of "+what, fmt.Sprintf("max.message.bytes is %d, above max_batch_bytes %d: a partition with a "+
			"larger batch stops", limit, x.config.MaxBatchBytes), "raise source.kafka.max_batch_bytes")
	}
	return limit
}

func (x *examination) retention(what string, settings map[string]string) {
	keeps := time.Duration(number(settings["retention.ms"])) * time.Millisecond
	switch {
	case strings.Contains(settings["cleanup.policy"], "compact"):
		x.Warn(what, "it is compacted: of two events with one key that nobody has read yet, the earlier is removed",
			"use cleanup.policy delete, unless each event tells all that is true of its key")
	case number(settings["retention.bytes"]) > 0:
		x.Warn(what, "retention.bytes is set: in a busy hour events may be gone long before their time",
			"leave it at -1, or watch kafka_consumer_lag")
	case keeps >= 0 && keeps < x.Outage:
		x.Warn(what, fmt.Sprintf("events are kept for %s, and an outage may last %s: what is not read by then is lost",
			keeps, x.Outage), "raise retention.ms")
	case keeps < 0:
		x.OK(what, "events are kept for ever")
	default:
		x.OK(what, "events are kept for %s", keeps)
	}
}

func (x *examination) replication(ctx context.Context, topic string) {
	t, err := kafkatopic.Describe(ctx, x.conn.Client(), topic)
	if err != nil {
		return // told by topics
	}
	fewest, lagging := math.MaxInt, 0
	for _, p := range t.Partitions {
		fewest = min(fewest, len(p.Replicas))
		if len(p.Isr) < len(p.Replicas) {
			lagging++
		}
	}
	switch what := "replicas of topic " + topic; {
	case lagging > 0:
		x.Warn(what, fmt.Sprintf("%s without all in-sync replicas", output.Count(lagging, "partition")),
			"look at the brokers")
	case fewest == 1:
		x.Warn(what, "1: one lost disk loses events", "use 3")
	default:
		x.OK(what, "%d", fewest)
	}
}

// letters compares the topic of dead letters with those of the events. What else is weak about it its own check tells.
func (x *examination) letters(ctx context.Context, sources map[string]int64) {
	topic := x.DeadLetters.Topic
	settings, err := kafkatopic.Settings(ctx, x.conn.Client(), topic, "retention.ms", "max.message.bytes")
	if err != nil {
		return // told by its own check
	}
	limit := number(settings["max.message.bytes"])
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if limit > 0 && sources[name] > limit {
			x.Warn("limits of topic "+topic, fmt.Sprintf("it takes messages of %d bytes, and topic %s of %d: a large "+
				"event that fails is kept without its content, and cannot be replayed", limit, name, sources[name]),
				"raise max.message.bytes, and dead_letters.max_bytes")
		}
	}
	if keeps := time.Duration(number(settings["retention.ms"])) * time.Millisecond; keeps >= 0 && keeps < x.Outage {
		x.Warn("retention of topic "+topic,
			fmt.Sprintf("letters are kept for %s, and an outage may last %s", keeps, x.Outage), "raise retention.ms")
	}
}

// number reads a setting; -1 is what Kafka writes for no limit, and stands for what is missing, too.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
