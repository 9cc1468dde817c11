package kafka

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/consumertest"
)

// A topic that does not exist keeps the source from being ready, with its name, in a metric too, until it exists; the
// other topics are read meanwhile. So does one that is deleted later.
func TestKafkaMissingTopicIsTold(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	c := b.config()
	c.Topics = []string{testTopic, "later"}
	k := b.openWith(c)
	var missing *MissingTopicsError
	if err := k.Check(t.Context()); !errors.As(err, &missing) || !slices.Equal(missing.Topics, []string{"later"}) {
		t.Errorf("before the start: %v", err)
	}
	r := consumertest.Read(t, k, consumertest.AckAll)
	b.Publish("1")
	r.Want("1")
	told := func(topic string) bool {
		err := k.Ready()
		return errors.As(err, &missing) && slices.Equal(missing.Topics, []string{topic}) &&
			slices.ContainsFunc(k.Troubles(), func(s string) bool {
				return strings.HasPrefix(s,
					"topic "+topic+" does not exist: ")
			})
	}
	gauge := func(topic, value string) bool {
		return strings.Contains(scrape(t, k), `ciobridge_kafka_topic_missing{topic="`+topic+`"} `+value)
	}
	consumertest.Eventually(t, "the missing topic is told of", func() bool { return told("later") })
	if !gauge("later", "1") || !gauge(testTopic, "0") {
		t.Errorf("metrics:\n%s", scrape(t, k))
	}
	b.topic = "later"
	b.makeTopic()
	consumertest.Eventually(t, "the source is ready", func() bool { return k.Ready() == nil && len(k.Troubles()) == 0 })
	if err := k.Check(t.Context()); err != nil || !gauge("later", "0") {
		t.Errorf("%v\n%s", err, scrape(t, k))
	}
	b.topic = testTopic
	b.deleteTopic()
	consumertest.Eventually(t, "the deleted topic is told of",
		func() bool { return told(testTopic) && gauge(testTopic, "1") })
	r.Stop()
}

// When none of the partitions can be read on, that is told, with the reasons.
func TestKafkaAllPartitionsStopped(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish(numbers(0, 10)...)
	b.setOffset(0, 2)
	b.deleteBefore(0, 5)
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	consumertest.Eventually(t, "it is told", func() bool {
		troubles := k.Troubles()
		return len(troubles) == 1 && strings.HasPrefix(troubles[0],
			"partition events/0 is stopped: offset_below_log at offset 2")
	})
	r.Stop()
}
