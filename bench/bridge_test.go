package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// TestBridgeConfigMapsEveryEventToOneCall keeps the comparison fair: the bridge makes one call of each event, as the ceiling does.
func TestBridgeConfigMapsEveryEventToOneCall(t *testing.T) {
	for _, src := range []source{&kafkaSource{brokers: "127.0.0.1:9092", topic: "events"}, &natsSource{url: "nats://127.0.0.1:4222"}} {
		dir := t.TempDir()
		text, err := bridgeConfig(dir, "reader", "127.0.0.1:8090", src)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "ciobridge.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		conf, err := config.Load(path)
		if err != nil {
			t.Fatalf("%s: %v\n%s", src.name(), err, text)
		}
		rules, err := mapping.Compile(conf.Mapping())
		if err != nil {
			t.Fatalf("%s: %v\n%s", src.name(), err, text)
		}
		topic := natsStream
		if k, ok := src.(*kafkaSource); ok {
			topic = k.topic
		}
		events := newTraffic(500, 10, maxEventSize)
		for _, value, ok := events.next(); ok; _, value, ok = events.next() {
			calls, failures := rules.Map(event.Message{Origin: event.Origin{Topic: topic, Subject: natsSubject}, Value: value})
			if len(calls) != 1 || len(failures) > 0 {
				t.Fatalf("%s: %d calls and %+v of %s", src.name(), len(calls), failures, value)
			}
		}
	}
}
