package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// brokers holds the connection to the broker of a configuration, of whichever kind that is.
type brokers struct {
	kafka    *broker.Kafka
	nats     *broker.NATS
	embedded *broker.Embedded
}

// connect opens the connection that the configuration's source and dead letters use.
func connect(ctx context.Context, c config.Config, log *zap.Logger) (*brokers, error) {
	b := &brokers{}
	var err error
	switch s := c.Source; {
	case s.Kafka != nil:
		b.kafka, err = broker.NewKafka(s.Kafka.KafkaConfig.KafkaConfig)
	case s.NATS != nil:
		b.nats, err = broker.NewNATS(ctx, s.NATS.NATSConfig, log.Named("nats"))
	case s.Embedded != nil:
		b.embedded, err = broker.StartEmbedded(s.Embedded.Server(), log.Named("nats"))
		if err == nil {
			b.nats, err = b.embedded.NATS(ctx)
		}
	default:
		err = errors.New("no source is configured")
	}
	if err != nil {
		b.close()
		return nil, exit.With(exit.Broker, fmt.Errorf("connect to the broker: %w", err))
	}
	return b, nil
}

// letterStore is where the bridge keeps its dead letters.
type letterStore interface {
	deadletter.Store
	// Ready is nil while the last attempt to store succeeded, or none was made, and otherwise says since when and why letters cannot
	// be stored. It names no address.
	Ready() error
	// Check proves that letters can be kept there. It makes the place if the configuration says so. Weak lists what an operator
	// should know, one sentence each, such as a retention that is shorter than a weekend; an error says why nothing can be kept.
	Check(ctx context.Context) (weak []string, err error)
}

// letters opens the place of the dead letters.
func (b *brokers) letters(c config.Config, hash string) letterStore {
	d := c.DeadLetters.Config
	switch {
	case d.Topic != "":
		return deadletter.NewKafka(b.kafka, d, hash)
	case d.Subject != "":
		return deadletter.NewJetStream(b.nats.JetStream(), d, hash)
	}
	return deadletter.NewFile(d, hash)
}

// apart makes sure that the source does not read what the dead letters' stream keeps: each letter would come back as an event, fail
// again and become the next. A Kafka topic is compared when the configuration is read; which stream keeps a subject, the server knows.
func (b *brokers) apart(ctx context.Context, c config.Config) error {
	if c.DeadLetters.Subject == "" {
		return nil
	}
	stream, err := b.nats.JetStream().StreamNameBySubject(ctx, c.DeadLetters.Subject)
	if err != nil {
		return exit.With(exit.Broker, fmt.Errorf("find the stream of dead_letters.subject: %w", err))
	}
	for _, r := range jetStreamOf(c.Source).Streams {
		overlaps := func(filter string) bool { return server.SubjectsCollide(filter, c.DeadLetters.Subject) }
		subjects := slices.Concat(append(r.Partitions, r.Subjects)...)
		if r.Name == stream && (len(subjects) == 0 || slices.ContainsFunc(subjects, overlaps)) {
			return exit.With(exit.Input, fmt.Errorf("dead_letters.subject: %q is kept by stream %s, which the source reads too, and every dead letter "+
				"would come back as an event; name a subject of another stream", c.DeadLetters.Subject, stream))
		}
	}
	return nil
}

func (b *brokers) close() {
	if b.nats != nil {
		b.nats.Close()
	}
	if b.embedded != nil {
		b.embedded.Close()
	}
	if b.kafka != nil {
		b.kafka.Close()
	}
}
