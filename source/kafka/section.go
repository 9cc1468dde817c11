package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/broker/msk"
	"github.com/ciobridge/ciobridge/consumer/kafka"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/place"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/webhook"
)

// Section reads topics of a Kafka cluster.
type Section struct {
	kafka.Config `yaml:",inline"`
	Read         []rulefile.Topic `yaml:"topics"`
}

// UnmarshalYAML reads the section over the defaults.
func (s *Section) UnmarshalYAML(decode func(any) error) error {
	type section Section
	read := section{Config: kafka.DefaultConfig()}
	err := decode(&read)
	*s = Section(read)
	return err
}

// Consumer is the configuration of the consumer.
func (s *Section) Consumer() kafka.Config {
	c := s.Config
	c.StartAt = source.StartAt(c.StartAt)
	for _, t := range s.Read {
		if t.Pattern != "" {
			c.Patterns = append(c.Patterns, t.Pattern)
		} else {
			c.Topics = append(c.Topics, t.Name)
		}
	}
	return c
}

// Kind implements source.Section.
func (*Section) Kind() string { return "kafka" }

// Ends implements source.Section.
func (*Section) Ends() bool { return false }

// Names implements source.Section. A pattern is named by itself.
func (s *Section) Names() []string {
	var names []string
	for _, t := range s.Read {
		names = append(names, cmp.Or(t.Name, t.Pattern))
	}
	return names
}

// Topics implements source.Section.
func (s *Section) Topics() []mapping.Topic { return rulefile.Topics(s.Read) }

// Validate implements source.Section.
func (s *Section) Validate() error { return s.Consumer().Validate() }

// Reads implements source.Section.
func (s *Section) Reads(topic string) bool {
	return topic != "" && slices.Contains(s.Names(), topic) || s.matches(topic)
}

// CheckLetters implements source.Section.
func (s *Section) CheckLetters(d deadletter.Config) error {
	switch {
	case d.Subject != "":
		return mistake.Of("dead_letters.subject: is for a NATS source; give topic or file")
	case d.Topic != "" && slices.Contains(s.Names(), d.Topic):
		return mistake.Of("dead_letters.topic: is read by the source too, and every dead letter would come back as " +
			"an event")
	case s.matches(d.Topic):
		return mistake.Of("dead_letters.topic: matches a pattern of source.kafka.topics, so that every dead " +
			"letter would come back as an event: give it a name that no pattern matches")
	}
	return nil
}

// CheckFences implements source.Section.
func (s *Section) CheckFences(e erasure.Config) error {
	switch {
	case e.Bucket != "":
		return mistake.Of("bucket: is for a NATS source; give topic or file")
	case e.ReportSubject != "":
		return mistake.Of("report_subject: is for a NATS source; give report_topic")
	case s.Reads(e.Topic):
		return mistake.Of("topic: is read by the source too, and every fence would come back as an event")
	case s.Reads(e.ReportTopic):
		return mistake.Of("report_topic: is read by the source too, and every report would come back as an event")
	}
	return nil
}

// Ledger implements source.Section: it is in a topic beside that of the dead letters.
func (s *Section) Ledger(l ledger.Config, d deadletter.Config) ledger.Config {
	l.Settings = s.beside(l.Settings, d, ".ledger")
	return l
}

// beside is where something is kept: where nothing is said, in a topic beside that of the dead letters.
func (s *Section) beside(p place.Settings, d deadletter.Config, ending string) place.Settings {
	p.Create = p.Create || d.Create
	p.Replicas = cmp.Or(p.Replicas, d.Replicas)
	if !p.Placed() {
		p.Topic = source.PlaceBeside(cmp.Or(d.Topic, s.Group), "._-", ending)
	}
	return p
}

// CheckLedger implements source.Section.
func (s *Section) CheckLedger(l ledger.Config, d deadletter.Config) error {
	if l.Bucket == "" && l.Topic != "" && l.Topic == d.Topic {
		return mistake.Of("topic: is that of the dead letters: give the send ledger one of its own")
	}
	return s.checkPlace(l.Settings)
}

// checkPlace reports a place that is not for Kafka, or that the source would read as events.
func (s *Section) checkPlace(p place.Settings) error {
	switch {
	case p.Bucket != "":
		return mistake.Of("bucket: is for a NATS source; give topic or file")
	case s.Reads(p.Topic):
		return mistake.Of("topic: %s is read by the source too, and every record would come as an event: give it a "+
			"name that the source does not read", p.Topic)
	}
	return nil
}

// CheckWebhooks implements source.Section.
func (s *Section) CheckWebhooks(w webhook.Config) error {
	switch {
	case w.Subject != "":
		return mistake.Of("subject: is for a NATS source; give topic")
	case s.Reads(w.Topic):
		return mistake.Of("topic: is read by the source too, and every webhook would come back as an event, whose " +
			"calls bring the next webhooks: give it a name that the source does not read")
	}
	return nil
}

// matches reports whether one of the patterns matches the name of a topic.
func (s *Section) matches(topic string) bool {
	return topic != "" && slices.ContainsFunc(s.Consumer().Patterns, func(text string) bool {
		pattern, err := topicpattern.Compile(text)
		return err == nil && pattern.MatchString(topic)
	})
}

// Destination implements source.Section.
func (s *Section) Destination(to source.Target) (event.Origin, error) {
	if to.Subject != "" {
		return event.Origin{}, errors.New("--subject is for NATS, and the source is Kafka: give --topic")
	}
	if s.matches(to.Topic) {
		return event.Origin{Topic: to.Topic}, nil
	}
	c := s.Consumer()
	known := slices.Clone(c.Topics)
	for _, pattern := range c.Patterns {
		known = append(known, "those that match "+pattern)
	}
	if to.Topic == "" && len(c.Patterns) > 0 {
		return event.Origin{}, fmt.Errorf("--topic is missing: name one of %s", strings.Join(known, ", "))
	}
	topic, err := source.One("--topic", to.Topic, known)
	return event.Origin{Topic: topic}, err
}

// Connect implements source.Section. Nothing is dialed yet.
func (s *Section) Connect(_ context.Context, log *zap.Logger) (source.Broker, error) {
	conn, err := broker.NewKafka(s.KafkaConfig, broker.WithLog(log.Named("kafka")), broker.WithAWS(msk.Tokens))
	if err != nil {
		return nil, source.Unconnected(err)
	}
	return &connection{conn, s.Consumer()}, nil
}

// Reach implements source.Section.
func (s *Section) Reach(ctx context.Context, log *zap.Logger) (source.Broker, error) {
	return s.Connect(ctx, log)
}

// Passing implements source.Section.
func (*Section) Passing(error) bool { return false }

// ChecksFirst implements source.Section: a topic that does not exist is a mistake, unless it was just made.
func (*Section) ChecksFirst() bool { return true }
