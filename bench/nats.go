package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	natsStream  = "BENCH"
	natsSubject = "bench.events"
	natsDead    = "bench.dead"
)

// runNATSBroker is a nats-server with JetStream and a file store in the directory that is its argument. It prints its URL and
// serves until it is stopped.
func runNATSBroker(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("want the directory of the file store")
	}
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: args[0], NoLog: true, NoSigs: true,
	})
	if err != nil {
		return fmt.Errorf("start the nats-server: %w", err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(10 * time.Second) {
		return errors.New("the nats-server was not ready within 10 s")
	}
	fmt.Fprintln(stdout, srv.ClientURL())
	<-ctx.Done()
	return nil
}

// natsSource is a JetStream stream in a server of the bench's own.
type natsSource struct {
	url     string
	process *process
	conn    *nats.Conn
	js      jetstream.JetStream
}

func openNATS(ctx context.Context, dir string) (*natsSource, error) {
	p, err := startRole("nats-broker", filepath.Join(dir, "jetstream"))
	if err != nil {
		return nil, err
	}
	n := &natsSource{process: p}
	if err := n.connect(ctx); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *natsSource) connect(ctx context.Context) (err error) {
	if n.url, err = n.process.line(ctx); err != nil {
		return err
	}
	if n.conn, err = nats.Connect(n.url); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if n.js, err = jetstream.New(n.conn); err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	for name, subject := range map[string]string{natsStream: natsSubject, natsStream + "-DEAD": natsDead} {
		if _, err := n.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}, Storage: jetstream.FileStorage}); err != nil {
			return fmt.Errorf("create stream %s: %w", name, err)
		}
	}
	return nil
}

func (n *natsSource) name() string { return "JetStream" }

// fill publishes the events, a few thousand at a time on their way.
func (n *natsSource) fill(ctx context.Context, t *traffic) error {
	const onTheWay = 4000
	pending := make([]jetstream.PubAckFuture, 0, onTheWay)
	for {
		_, value, ok := t.next()
		if ok {
			ack, err := n.js.PublishMsgAsync(&nats.Msg{Subject: natsSubject, Data: append([]byte(nil), value...)})
			if err != nil {
				return err
			}
			pending = append(pending, ack)
		}
		if len(pending) < onTheWay && ok {
			continue
		}
		for _, ack := range pending {
			select {
			case <-ack.Ok():
			case err := <-ack.Err():
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if pending = pending[:0]; !ok {
			return nil
		}
	}
}

// settled is the sequence up to which the consumer has acknowledged.
func (n *natsSource) settled(ctx context.Context, durable string) (int64, error) {
	c, err := n.js.Consumer(ctx, natsStream, durable)
	if err != nil {
		return 0, fmt.Errorf("read the consumer's state: %w", err)
	}
	return int64(c.CachedInfo().AckFloor.Stream), nil
}

func (n *natsSource) close() {
	if n.conn != nil {
		n.conn.Close()
	}
	n.process.kill()
}
