package kafka

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// make makes a topic and publishes to it.
func (b *testBed) make(topic string, values ...string) {
	b.t.Helper()
	b.topic = topic
	b.makeTopic()
	b.Publish(values...)
}

// A topic that comes later and matches a pattern is read from its beginning, although reading starts at the latest. One
// that matches in part only, one of Kafka's own, and one that goes are not read.
func TestKafkaPatternFindsNewTopics(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.make("orders.eu", "before")
	b.make("old.orders.eu", "not meant")
	c := b.config()
	c.Group, c.Topics, c.Patterns, c.StartAt = "bridge", []string{testTopic}, []string{`orders\..*|.*consumer.*`}, "latest"
	k := b.openWith(c)
	if err := k.Check(t.Context()); err != nil {
		t.Error(err)
	}
	r := consumertest.Read(t, k, consumertest.AckAll)
	consumertest.Eventually(t, "the partitions are read", func() bool {
		return k.States()["orders.eu/0"] == "reading" && k.States()[testTopic+"/0"] == "reading"
	})
	b.make("orders.us", "1", "2")
	r.Want("1", "2")
	b.topic = "orders.eu"
	b.Publish("3")
	r.Want("1", "2", "3")
	if states := k.States(); len(states) != 3 {
		t.Errorf("it reads %v", states)
	}
	if err := k.Ready(); err != nil || len(k.Troubles()) > 0 {
		t.Errorf("%v, %v", err, k.Troubles())
	}
	b.topic = "orders.us"
	b.deleteTopic()
	consumertest.Eventually(t, "the deleted topic is given up", func() bool {
		return len(k.States()) == 2 && k.Ready() == nil
	})
	b.make("orders.us", "4")
	r.Want("1", "2", "3", "4")
	r.Stop()
	if infos := b.offsets(c); len(infos) != 3 {
		t.Errorf("offsets of %v", infos)
	}
}

// Two replicas find a topic each by itself, and divide its partitions; each message is read once.
func TestKafkaPatternInReplicas(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	c := b.config()
	c.Group, c.Topics, c.Patterns = "bridge", nil, []string{`t[0-9]`}
	b.make("t0")
	var readings []*consumertest.Reading
	var sources []*Source
	for range 2 {
		k := b.openWith(c)
		sources = append(sources, k)
		readings = append(readings, consumertest.Read(t, k, consumertest.AckAll))
	}
	consumertest.Eventually(t, "both have joined", func() bool {
		return len(sources[0].States())+len(sources[1].States()) == 1 && sources[0].Ready() == nil &&
			sources[1].Ready() == nil
	})
	var want []string
	for i := 1; i < 5; i++ {
		value := fmt.Sprint(i)
		b.make("t"+value, value)
		want = append(want, value)
	}
	read := func() []string { return slices.Concat(readings[0].Values(), readings[1].Values()) }
	consumertest.Eventually(t, "all is read", func() bool { return len(read()) >= len(want) })
	got := read()
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	for _, r := range readings {
		r.Stop()
	}
}

// A pattern that no topic matches is told of, as a topic is that does not exist, until one comes.
func TestKafkaPatternWithoutTopics(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	c := b.config()
	c.Topics, c.Patterns, c.StartAt = nil, []string{`later\d`}, "latest"
	k := b.openWith(c)
	var missing *MissingTopicsError
	if err := k.Check(t.Context()); !errors.As(err, &missing) || !slices.Equal(missing.Patterns, c.Patterns) {
		t.Errorf("before the start: %v", err)
	}
	r := consumertest.Read(t, k, consumertest.AckAll)
	consumertest.Eventually(t, "the pattern is told of", func() bool {
		return errors.As(k.Ready(), &missing) && slices.Equal(missing.Patterns, c.Patterns) &&
			slices.ContainsFunc(k.Troubles(), func(text string) bool {
				return strings.HasPrefix(text, `no topic matches the pattern "later\\d": `)
			})
	})
	b.make("later1", "1")
	r.Want("1")
	if err := k.Ready(); err != nil || len(k.Troubles()) > 0 {
		t.Errorf("%v, %v", err, k.Troubles())
	}
	r.Stop()
}

func TestConfigPatterns(t *testing.T) {
	b := startKafka(t)
	c := b.config()
	c.Topics, c.Patterns = nil, []string{`[`}
	connections, err := broker.NewKafka(c.KafkaConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer connections.Close()
	_, err = New(c, connections, memory.New(1<<20), canarytest.Logger(t), canarytest.Registry(t))
	var wrong *syntax.Error
	if !errors.As(err, &wrong) {
		t.Errorf("a pattern that is none: %v", err)
	}
}
