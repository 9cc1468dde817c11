package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
)

const (
	topic           = "shop.events"
	deadTopic       = "shop.events.dead"
	topicPartitions = 4

	stream      = "SHOP"
	subjects    = "shop.>"
	deadStream  = "SHOP-DEAD"
	deadSubject = "dead.shop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("want one argument: create or publish")
	}
	// A server that is still starting is tried again for as long as it takes.
	conn, err := nats.Connect(os.Getenv("NATS"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(time.Second))
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	switch args[0] {
	case "create":
		return errors.Join(createTopics(ctx), createStreams(ctx, js))
	case "publish":
		return publish(ctx, js)
	}
	return fmt.Errorf("%q is neither create nor publish", args[0])
}

func createTopics(ctx context.Context) error {
	client := &kafka.Client{Addr: kafka.TCP(os.Getenv("KAFKA")), Timeout: 30 * time.Second}
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: topic, NumPartitions: topicPartitions, ReplicationFactor: 1},
		{Topic: deadTopic, NumPartitions: topicPartitions, ReplicationFactor: 1},
	}})
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for name, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

func createStreams(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for name, subject := range map[string]string{stream: subjects, deadStream: deadSubject} {
		want := jetstream.StreamConfig{Name: name, Subjects: []string{subject}, Storage: jetstream.FileStorage}
		if _, err := js.CreateOrUpdateStream(ctx, want); err != nil {
			return fmt.Errorf("create stream %s: %w", name, err)
		}
	}
	return nil
}
