package main

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
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
		return nil, exit(exitBroker, fmt.Errorf("connect to the broker: %w", err))
	}
	return b, nil
}

// letters opens the place of the dead letters.
func (b *brokers) letters(c config.Config, hash string) deadletter.Store {
	d := c.DeadLetters.Config
	switch {
	case d.Topic != "":
		return deadletter.NewKafka(b.kafka.Client(), d, hash)
	case d.Subject != "":
		return deadletter.NewJetStream(b.nats.JetStream(), d, hash)
	}
	return deadletter.NewFile(d, hash)
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
