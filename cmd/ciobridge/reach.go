package main

import (
	"context"
	"net"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// reachLimit is how long a command that does one thing waits for a broker.
const reachLimit = 15 * time.Second

// reach connects to the broker of a configuration for one task: it gives up after a while, and where a bridge already runs the
// embedded server it uses that one.
func reach(ctx context.Context, c config.Config, log *zap.Logger) (*brokers, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	if e := c.Source.Embedded; e != nil && listening(ctx, e.Server().Listen) {
		conn, err := broker.NewNATS(ctx, broker.NATSConfig{URLs: []string{"nats://" + e.Server().Listen}}, log.Named("nats"))
		if err != nil {
			return nil, exit.With(exit.Broker, err)
		}
		return &brokers{nats: conn}, nil
	}
	return connect(ctx, c, log)
}

func listening(ctx context.Context, addr string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// reachLetters opens the dead letters of a configuration for one task. Those in a file need no broker. The brokers must be closed
// when err is nil.
func reachLetters(ctx context.Context, c config.Config, hash string, log *zap.Logger) (letterStore, *brokers, error) {
	b := &brokers{}
	if c.DeadLetters.File == "" {
		var err error
		if b, err = reach(ctx, c, log); err != nil {
			return nil, nil, err
		}
	}
	return b.letters(c, hash), b, nil
}
