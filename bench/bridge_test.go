package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// TestBridgeConfigMapsEveryEventToOneCall keeps the comparisons fair: whatever its rules, the bridge makes one call
// of each event, as the ceiling does.
func TestBridgeConfigMapsEveryEventToOneCall(t *testing.T) {
	kafka, nats := &kafkaSource{brokers: "127.0.0.1:9092", topic: "events"}, &natsSource{url: "nats://127.0.0.1:4222"}
	one := traffic.EventTypes[:1]
	for name, tc := range map[string]struct {
		source source
		rules  []string
		types  []string
	}{
		"kafka":       {source: kafka},
		"jetstream":   {source: nats},
		"partitions":  {source: &natsSource{url: "nats://127.0.0.1:4222", partitions: 16}},
		"jq value":    {source: kafka, rules: rulesFor(traffic.EventTypes[:], toldWithValue)},
		"jq sum":      {source: kafka, rules: rulesFor(traffic.EventTypes[:], toldWithSum)},
		"jq sorted":   {source: kafka, rules: rulesFor(traffic.EventTypes[:], toldSorted)},
		"one rule":    {source: kafka, rules: amongOthers(one[0], 1), types: one},
		"1,000 rules": {source: kafka, rules: amongOthers(one[0], 1000), types: one},
	} {
		t.Run(name, func(t *testing.T) {
			rules := compile(t, settings{rules: tc.rules, batchItems: 10}, tc.source)
			topic := natsStream
			if k, ok := tc.source.(*kafkaSource); ok {
				topic = k.topic
			}
			events := traffic.New(traffic.Load{Events: 300, Persons: 10, Size: traffic.MaxEventSize, Types: tc.types})
			for _, value, ok := events.Next(); ok; _, value, ok = events.Next() {
				calls, failures := rules.Map(event.Message{Origin: event.Origin{Topic: topic, Subject: natsSubject},
					Value: value})
				if len(calls) != 1 || len(failures) > 0 {
					t.Fatalf("%d calls and %+v of %s", len(calls), failures, value)
				}
				if items := strings.Count(string(calls[0].Body), `"sku"`); items != strings.Count(string(value),
					`"sku"`) {
					t.Fatalf("the call tells %d items: %s", items, calls[0].Body)
				}
			}
		})
	}
}

func compile(t *testing.T, s settings, src source) *mapping.Rules {
	t.Helper()
	dir := t.TempDir()
	text, err := s.config(dir, "reader", "127.0.0.1:8090", src)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ciobridge.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(config.File(path))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	rules, err := mapping.Compile(conf.Mapping())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return rules
}

// TestJQRulesNeedJQ keeps the row about jq honest when more programs become plain.
func TestJQRulesNeedJQ(t *testing.T) {
	for _, program := range []string{jqValue, jqSum, jqSorted} {
		p, err := expr.NewSet().Compile(program)
		if err != nil {
			t.Fatal(err)
		}
		if p.OnFastPath() {
			t.Errorf("%s runs without gojq: write one that does not", p)
		}
	}
}
