package nats

import (
	"cmp"
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/place"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/source"
)

// Section reads streams of a NATS server or cluster.
type Section struct {
	broker.NATSConfig `yaml:",inline"`
	Reading           `yaml:",inline"`
}

// UnmarshalYAML reads the section over the defaults.
func (s *Section) UnmarshalYAML(decode func(any) error) error {
	type section Section
	read := section{Reading: defaultReading()}
	err := decode(&read)
	*s = Section(read)
	return err
}

// Consumer is the configuration of the consumer.
func (s *Section) Consumer() jetstream.Config {
	c := s.Config
	c.StartAt = source.StartAt(c.StartAt)
	for _, stream := range s.Streams {
		c.Streams = append(c.Streams, jetstream.StreamConfig{
			Name: stream.Name, Subjects: stream.Subjects, Partitions: stream.partitions(),
		})
	}
	return c
}

// Kind implements source.Section.
func (*Section) Kind() string { return "nats" }

// Names implements source.Section.
func (s *Section) Names() []string { return names(s.Consumer()) }

// Validate implements source.Section.
func (s *Section) Validate() error {
	return errors.Join(s.NATSConfig.Validate(), s.Consumer().Validate())
}

// Ledger implements source.Section: it is in a bucket named like the subject of the dead letters.
func (s *Section) Ledger(l ledger.Config, d deadletter.Config) ledger.Config {
	l.Settings = s.beside(l.Settings, d, "_ledger")
	return l
}

// beside is where something is kept: where nothing is said, in a bucket named like the subject of the dead letters.
func (s *Section) beside(p place.Settings, d deadletter.Config, ending string) place.Settings {
	p.Replicas = cmp.Or(p.Replicas, d.Replicas)
	if !p.Placed() {
		p.Bucket = source.PlaceBeside(cmp.Or(d.Subject, s.Durable), "_-", ending)
	}
	return p
}

// Destination implements source.Section.
func (s *Section) Destination(to source.Target) (event.Origin, error) {
	var kept []string
	for _, stream := range s.Streams {
		kept = append(kept, stream.Subjects...)
	}
	return destination(to, kept)
}

// Connect implements source.Section.
func (s *Section) Connect(ctx context.Context, log *zap.Logger) (source.Broker, error) {
	conn, err := broker.NewNATS(ctx, s.NATSConfig, log.Named("nats"))
	if err != nil {
		return nil, source.Unconnected(err)
	}
	return &Broker{conn: conn, config: s.Consumer()}, nil
}

// Reach implements source.Section.
func (s *Section) Reach(ctx context.Context, log *zap.Logger) (source.Broker, error) {
	return s.Connect(ctx, log)
}

// Passing implements source.Section: a server that does not answer may do so later. One that refuses us was asked again
// until the time for the attempt was over.
func (*Section) Passing(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && !broker.Refused(err)
}

// names are the streams that are read.
func names(c jetstream.Config) []string {
	var names []string
	for _, s := range c.Streams {
		names = append(names, s.Name)
	}
	return names
}
