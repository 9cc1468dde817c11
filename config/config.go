// Package config reads the configuration of a bridge: one strict YAML file made of each stage's own Config, and the rule files
// that it names.
//
// It owns where things stand in the file and that every mistake is reported with its path; what a field means belongs to the
// stage whose Config it is. Only the command imports it.
package config

import (
	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
)

// Config is a whole configuration file.
type Config struct {
	Source      Source            `yaml:"source"`
	CustomerIO  customerio.Config `yaml:"customerio"`
	Delivery    pipeline.Config   `yaml:"delivery"`
	DeadLetters DeadLetters       `yaml:"dead_letters"`

	// Rules stand in the file itself, RulesFrom names files of rules by path or glob, relative to the configuration file.
	Rules     []mapping.Rule `yaml:"rules"`
	RulesFrom []string       `yaml:"rules_from"`
	// OnUnmatched says what becomes of an event that no rule names: skip, the default, or dead_letter.
	OnUnmatched mapping.Policy `yaml:"on_unmatched"`

	Admin Admin `yaml:"admin"`
	Log   Log   `yaml:"log"`

	// Files are the rule files that RulesFrom named, in the order in which their rules apply.
	Files []RuleFile `yaml:"-"`
}

// Source is where events come from. Exactly one of its fields is set.
type Source struct {
	Kafka    *Kafka    `yaml:"kafka"`
	NATS     *NATS     `yaml:"nats"`
	Embedded *Embedded `yaml:"embedded"`
}

// Kafka reads topics of a Kafka cluster.
type Kafka struct {
	consumer.KafkaConfig `yaml:",inline"`
	Topics               []mapping.Topic `yaml:"topics"`
}

// UnmarshalYAML reads the section over the defaults.
func (k *Kafka) UnmarshalYAML(decode func(any) error) error {
	type section Kafka
	s := section{KafkaConfig: consumer.DefaultKafkaConfig()}
	err := decode(&s)
	*k = Kafka(s)
	return err
}

// NATS reads streams of a NATS server or cluster.
type NATS struct {
	broker.NATSConfig `yaml:",inline"`
	Reading           `yaml:",inline"`
}

// UnmarshalYAML reads the section over the defaults.
func (n *NATS) UnmarshalYAML(decode func(any) error) error {
	type section NATS
	s := section{Reading: defaultReading()}
	err := decode(&s)
	*n = NATS(s)
	return err
}

// Embedded reads streams of a NATS server inside the process.
type Embedded struct {
	Dir     string `yaml:"dir"`
	Listen  string `yaml:"listen"`
	Reading `yaml:",inline"`
}

// UnmarshalYAML reads the section over the defaults.
func (e *Embedded) UnmarshalYAML(decode func(any) error) error {
	type section Embedded
	s := section{Reading: defaultReading()}
	err := decode(&s)
	*e = Embedded(s)
	return err
}

func defaultReading() Reading {
	return Reading{JetStreamConfig: consumer.DefaultJetStreamConfig()}
}

// Reading says how streams are read, whichever server has them.
type Reading struct {
	consumer.JetStreamConfig `yaml:",inline"`
	Streams                  []Stream `yaml:"streams"`
}

// Stream is one JetStream stream and how its events arrive.
type Stream struct {
	Name string `yaml:"name"`
	// Subjects narrows what is read, with the wildcards of NATS; for an embedded server they are what the stream keeps.
	Subjects []string `yaml:"subjects"`
	// Partitions divide the stream among replicas: the subjects of each, one or a list.
	Partitions []Subjects       `yaml:"partitions"`
	Envelope   mapping.Envelope `yaml:"envelope"`
	OnNull     mapping.Policy   `yaml:"on_null"`
}

// Subjects are what one partition of a stream holds.
type Subjects []string

// UnmarshalYAML reads one subject or a list of them.
func (s *Subjects) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*s = Subjects{one}
		return nil
	}
	return decode((*[]string)(s))
}

func (s *Stream) partitions() [][]string {
	var partitions [][]string
	for _, subjects := range s.Partitions {
		partitions = append(partitions, subjects)
	}
	return partitions
}

// DeadLetters says where dead letters are kept, and when there are too many.
type DeadLetters struct {
	deadletter.Config `yaml:",inline"`
	// StopShare stops the flow when more than this share of a rule's last 256 results failed; 0 never stops it.
	StopShare float64 `yaml:"stop_share"`
}

// Admin is the HTTP server for health and metrics.
type Admin struct {
	// Listen is its address; empty turns it off.
	Listen string `yaml:"listen"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // json or console
}

// Default gives what a file that sets nothing means.
func Default() Config {
	d := pipeline.DefaultConfig()
	return Config{
		CustomerIO:  customerio.DefaultConfig(),
		Delivery:    d,
		DeadLetters: DeadLetters{StopShare: d.StopShare},
		Admin:       Admin{Listen: "127.0.0.1:8080"},
		Log:         Log{Level: "info", Format: "json"},
	}
}

// Mapping is the configuration of the rules, with the envelopes of the source's topics or streams.
func (c *Config) Mapping() mapping.Config {
	m := mapping.Config{Topics: c.Source.topics(), Rules: c.Rules, OnUnmatched: c.OnUnmatched, Allow: c.CustomerIO.Allow, ReservedIDs: c.CustomerIO.ReservedIDs}
	for _, f := range c.Files {
		m.Rules = append(m.Rules, f.Rules...)
	}
	return m
}

// Pipeline is the configuration of the flow.
func (c *Config) Pipeline() pipeline.Config {
	p := c.Delivery
	p.StopShare = c.DeadLetters.StopShare
	return p
}

// Consumer is the configuration of the Kafka consumer.
func (k *Kafka) Consumer() consumer.KafkaConfig {
	c := k.KafkaConfig
	for _, t := range k.Topics {
		c.Topics = append(c.Topics, t.Name)
	}
	return c
}

// Consumer is the configuration of the JetStream consumer.
func (r *Reading) Consumer() consumer.JetStreamConfig {
	c := r.JetStreamConfig
	for _, s := range r.Streams {
		c.Streams = append(c.Streams, consumer.StreamConfig{Name: s.Name, Subjects: s.Subjects, Partitions: s.partitions()})
	}
	return c
}

// Server is the configuration of the embedded server, which keeps what the source reads.
func (e *Embedded) Server() broker.EmbeddedConfig {
	c := broker.EmbeddedConfig{Dir: e.Dir, Listen: e.Listen}
	for _, s := range e.Streams {
		c.Streams = append(c.Streams, broker.EmbeddedStream{Name: s.Name, Subjects: s.Subjects})
	}
	return c.WithDefaults()
}

// Consumer is the configuration of the consumer of the embedded server's streams. All that the streams keep is read.
func (e *Embedded) Consumer() consumer.JetStreamConfig {
	c := e.JetStreamConfig
	for _, s := range e.Server().Streams {
		c.Streams = append(c.Streams, consumer.StreamConfig{Name: s.Name})
	}
	for i := range e.Streams {
		c.Streams[i].Partitions = e.Streams[i].partitions()
	}
	return c
}

// Kind is the name of the section that is set: kafka, nats or embedded.
func (s *Source) Kind() string {
	switch {
	case s.Kafka != nil:
		return "kafka"
	case s.NATS != nil:
		return "nats"
	case s.Embedded != nil:
		return "embedded"
	}
	return ""
}

// Names are the topics or streams that are read.
func (s *Source) Names() []string {
	var names []string
	if s.Embedded != nil {
		for _, stream := range s.Embedded.Server().Streams {
			names = append(names, stream.Name)
		}
		return names
	}
	for _, t := range s.topics() {
		names = append(names, t.Name)
	}
	return names
}

func (s *Source) topics() []mapping.Topic {
	switch {
	case s.Kafka != nil:
		return s.Kafka.Topics
	case s.NATS != nil:
		return topicsOf(s.NATS.Streams)
	case s.Embedded != nil:
		return topicsOf(s.Embedded.Streams)
	}
	return nil
}

func topicsOf(streams []Stream) []mapping.Topic {
	var topics []mapping.Topic
	for _, s := range streams {
		topics = append(topics, mapping.Topic{Name: s.Name, Envelope: s.Envelope, OnNull: s.OnNull})
	}
	return topics
}
