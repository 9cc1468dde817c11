package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

const (
	natsStream  = "BENCH"
	natsSubject = "bench.events"
	natsDead    = "bench.dead"
)

// runNATSBroker is a nats-server with JetStream and a file store in the directory that is its argument. It prints its
// URL and serves until it is stopped.
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
	url        string
	partitions int // into which subjects divide the stream; 0 where it has one subject and is read whole
	process    *process
	conn       *nats.Conn
	js         jetstream.JetStream
}

func openNATS(ctx context.Context, dir string, partitions int) (*natsSource, error) {
	p, err := startRole("nats-broker", filepath.Join(dir, "jetstream"))
	if err != nil {
		return nil, err
	}
	n := &natsSource{process: p, partitions: partitions}
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
	for name, subjects := range map[string][]string{natsStream: n.subjects(), natsStream + "-DEAD": {natsDead}} {
		if _, err := n.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: subjects,
			Storage: jetstream.FileStorage}); err != nil {
			return fmt.Errorf("create stream %s: %w", name, err)
		}
	}
	return nil
}

func (n *natsSource) name() string { return "JetStream" }

// subjects are those of the stream, one for each partition.
func (n *natsSource) subjects() []string {
	if n.partitions == 0 {
		return []string{natsSubject}
	}
	subjects := make([]string, n.partitions)
	for i := range subjects {
		subjects[i] = natsSubject + "." + strconv.Itoa(i)
	}
	return subjects
}

// fill publishes the events, a few thousand at a time on their way.
func (n *natsSource) fill(ctx context.Context, t *traffic.Traffic) error {
	const onTheWay = 4000
	pending := make([]jetstream.PubAckFuture, 0, onTheWay)
	subjects := n.subjects()
	for {
		person, value, ok := t.Next()
		if ok {
			ack, err := n.js.PublishMsgAsync(&nats.Msg{Subject: subjects[int(person)%len(subjects)],
				Data: append([]byte(nil), value...)})
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

// settled is what the stream holds without what its consumers have not delivered or have no acknowledgement for.
func (n *natsSource) settled(ctx context.Context, durable string) (int64, error) {
	stream, err := n.js.Stream(ctx, natsStream)
	if err != nil {
		return 0, fmt.Errorf("read the stream's state: %w", err)
	}
	durables := []string{durable}
	if n.partitions > 0 {
		durables = durables[:0]
		for i := range n.partitions {
			durables = append(durables, fmt.Sprintf("%s-%d-of-%d", durable, i, n.partitions))
		}
	}
	settled := int64(stream.CachedInfo().State.Msgs)
	for _, name := range durables {
		c, err := stream.Consumer(ctx, name)
		if err != nil {
			return 0, fmt.Errorf("read the state of consumer %s: %w", name, err)
		}
		settled -= int64(c.CachedInfo().NumPending) + int64(c.CachedInfo().NumAckPending)
	}
	return settled, nil
}

// awaitMembers waits until so many replicas show themselves, each by a consumer of its own, and for as long as it
// takes them to see one another, which is a quarter of their session time-out.
func (n *natsSource) awaitMembers(ctx context.Context, durable string, members int) error {
	const look = 2500 * time.Millisecond
	for seen := 0; seen < members; {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the replicas did not come: %w", context.Cause(ctx))
		}
		stream, err := n.js.Stream(ctx, natsStream)
		if err != nil {
			return fmt.Errorf("look at the stream: %w", err)
		}
		seen = 0
		for name := range stream.ConsumerNames(ctx).Name() {
			if strings.HasPrefix(name, durable+"-replica-") {
				seen++
			}
		}
	}
	select {
	case <-time.After(look + time.Second):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *natsSource) close() {
	if n.conn != nil {
		n.conn.Close()
	}
	n.process.kill()
}
