package main

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// publishTo publishes events with an ordinary NATS client and waits for the acknowledgements.
func publishTo(t *testing.T, url, subject string, events ...string) {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if _, err := js.Publish(t.Context(), subject, []byte(e)); err != nil {
			t.Fatal(err)
		}
	}
}
