package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/content"
	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
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
			if name == "1,000 rules" {
				longtest.Only(t)
			}
			rules := compile(t, settings{rules: tc.rules, batchItems: 10}, tc.source)
			topic := natsStream
			if k, ok := tc.source.(*kafkaSource); ok {
				topic = k.topic
			}
			events := traffic.New(traffic.Load{Events: 300, Persons: 10, Size: traffic.MaxEventSize, Types: tc.types})
			for _, value, ok := events.Next(); ok; _, value, ok = events.Next() {
				calls, failures := rules.Map(&event.Message{Origin: event.Origin{Topic: topic, Subject: natsSubject},
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

// TestAvroIsTheSameEvents keeps the row about Avro fair: its records become the calls that the events as JSON become.
func TestAvroIsTheSameEvents(t *testing.T) {
	url, stop := startRegistry(traffic.AvroSchema)
	defer stop()
	decoder, err := content.NewDecoder(registry.Config{URL: url}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	src := &kafkaSource{brokers: "127.0.0.1:9092", topic: "events"}
	plain := compile(t, settings{}, src)
	avro := shapes[slices.IndexFunc(shapes, func(s shape) bool { return s.schema != "" })]
	rules := compile(t, settings{envelope: avro.envelope, registry: url}, src)
	events := traffic.New(traffic.Load{Events: 300, Persons: 10, Size: traffic.MaxEventSize})
	for _, value, ok := events.Next(); ok; _, value, ok = events.Next() {
		want, _ := plain.Map(&event.Message{Origin: event.Origin{Topic: src.topic}, Value: value})
		m := event.Message{Origin: event.Origin{Topic: src.topic}, Value: traffic.Avro.Append(nil, [][]byte{value})}
		if err := decoder.Decode(t.Context(), rules.Forms(src.topic), &m); err != nil {
			t.Fatal(err)
		}
		got, failures := rules.Map(&m)
		if len(got) != 1 || len(want) != 1 || got[0].ID != want[0].ID {
			t.Fatalf("%d calls and %+v of %s: %s", len(got), failures, value, m.Unreadable())
		}
		// A double does not keep the zero of 185.60.
		if a, b := parsed(t, got[0].Body), parsed(t, want[0].Body); !reflect.DeepEqual(a, b) {
			t.Fatalf("became\n%s, of JSON\n%s", got[0].Body, want[0].Body)
		}
	}
}

// TestStepsMakeOneCallOfEachEvent keeps the rows about other actions fair: none makes fewer calls, and the sink can
// count each.
func TestStepsMakeOneCallOfEachEvent(t *testing.T) {
	src := &kafkaSource{brokers: "127.0.0.1:9092", topic: "events"}
	for name, steps := range map[string]func(int, string) string{"mix": mixedSteps, "segments": segmentSteps} {
		rules := compile(t, settings{rules: rulesOf(traffic.EventTypes[:], steps)}, src)
		actions := map[string]bool{}
		events := traffic.New(traffic.Load{Events: 300, Persons: 10, Size: traffic.MaxEventSize})
		for _, value, ok := events.Next(); ok; _, value, ok = events.Next() {
			got, failures := rules.Map(&event.Message{Origin: event.Origin{Topic: src.topic}, Value: value})
			if len(got) != 1 || len(failures) > 0 {
				t.Fatalf("%s: %d calls and %+v of %s", name, len(got), failures, value)
			}
			actions[got[0].Step.Action] = true
			counted := bytes.Count(got[0].Body, []byte(`"sequence":"`))
			if shared := got[0].Single != nil && got[0].Single.Shared; !shared && counted != 1 {
				t.Fatalf("%s: the sink counts %d events in %s", name, counted, got[0].Body)
			}
		}
		if name == "mix" && len(actions) < 7 {
			t.Errorf("the mix has only %v", actions)
		}
	}
}

func parsed(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
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
