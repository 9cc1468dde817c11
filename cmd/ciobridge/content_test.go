package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	schemas "github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/registrytest"
)

const orderSchema = `{"type":"record","name":"Order","fields":[{"name":"type","type":"string"},
 {"name":"customer","type":"long"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
 {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]}`

// Values in Avro reach Customer.io by their schema. A registry that is away is waited for; a schema that it does not
// have makes a dead letter, which is replayed when it has been registered.
func TestAvroReachesCustomerIO(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	r := registrytest.Start(t)
	r.SetDown(true)
	b.write("rules.yaml", `rules:
  - name: order
    event: order
    time: .at
    do: [{track: {person: .customer, name: ordered, data: {total: .total, at: .at}}}]
tests:
  - {name: an order, given: {event: {type: order, customer: 7, total: 1.5}}, want: [{track: {person: "7"}}]}
`)
	letters := b.path("dead.jsonl")
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 10s, "+
		"topics: [{name: %s, content: avro}]}}", b.brokers[0], eventsTopic), "{file: "+letters+"}")
	from := []string{"-c", path, "--set", "schema_registry.url=" + r.URL}
	order, err := avro.MustParse(orderSchema).Encode(map[string]any{"type": "order", "customer": int64(7),
		"total": big.NewRat(129, 50), "at": int64(1_791_194_400_123)})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []byte{1, 2} {
		value := append([]byte{0, 0, 0, 0, id}, order...)
		if err := b.client.ProduceSync(context.Background(), &kgo.Record{Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, append([]string{"run"}, from...)...)
	eventually(t, "the outage is told", 20*time.Second, func() bool {
		return p.adminAddr() != "" &&
			strings.Contains(get(t, "http://"+p.adminAddr()+"/metrics"), "ciobridge_schema_registry_waiting 1")
	})
	r.Register(1, "", orderSchema)
	r.SetDown(false)
	b.receives("event", "id:7")
	eventually(t, "the other one is a dead letter", 20*time.Second, func() bool {
		text, err := os.ReadFile(letters)
		return err == nil && strings.Contains(string(text), "has schema 2, which the schema registry does not have")
	})
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	expect(t, exit.OK, "1 test passed: ok", append([]string{"check"}, from...)...)
	r.Register(2, "", orderSchema)
	expect(t, exit.OK, "1 delivered", append([]string{"deadletters", "replay", "--all"}, from...)...)
	events := 0
	for _, receipt := range b.cio.Receipts(0) {
		if receipt.Action == "event" {
			events++
			if body := string(receipt.Body); !strings.Contains(body, `"total":2.58`) ||
				!strings.Contains(body, `"timestamp":1791194400`) {
				t.Errorf("Customer.io received %s", body)
			}
		}
	}
	if events != 2 {
		t.Errorf("%d events arrived", events)
	}
}

const changeSchema = `{"type":"record","name":"Envelope","namespace":"srv.public.orders","fields":[
 {"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"long"},
  {"name":"plan","type":"string"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2,
   "connect.name":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2"}}},
  {"name":"since","type":{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}}]}]},
 {"name":"after","type":["null","Value"]},
 {"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"ts_ms","type":"long"},
  {"name":"table","type":"string"}]}},
 {"name":"op","type":"string"}]}`

const batchSchema = `{"type":"record","name":"Batch","fields":[{"name":"events","type":{"type":"array","items":
 {"type":"record","name":"Event","fields":[{"name":"type","type":"string"},{"name":"user","type":"long"}]}}}]}`

const cloudSchema = `{"type":"record","name":"Cloud","fields":[{"name":"specversion","type":"string"},
 {"name":"id","type":"string"},{"name":"source","type":"string"},{"name":"type","type":"string"},
 {"name":"time","type":"string"},{"name":"data","type":{"type":"record","name":"Data","fields":[
  {"name":"user","type":"long"}]}}]}`

// Content stands before the envelope, so that values in Avro are read by each of them as JSON is. The command that
// shows what events become reads such a value by the registry, and takes the JSON that it becomes in its place.
func TestAvroInEnvelopes(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Register(1, "", changeSchema)
	r.Register(2, "", batchSchema)
	r.Register(3, "", cloudSchema)
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := file("ciobridge.yaml", []byte(`
source: {kafka: {brokers: ["127.0.0.1:1"], group: g, start_at: latest, topics: [
  {name: changes, content: avro, envelope: debezium},
  {name: batches, content: avro, envelope: {each: .events, type: .type}},
  {name: clouds, content: avro, envelope: cloudevents}]}}
customerio: {region: eu, site_id_env: SITE, api_key_env: KEY}
dead_letters: {file: `+filepath.Join(dir, "dead.jsonl")+`}
schema_registry: {url: `+r.URL+`}
rules:
  - name: row
    event: orders.upsert
    do: [{track: {person: .id, name: moved, data: {from: $change.before.plan, to: .plan, total: .total,
      since: .since | unix}}}]
  - {name: login, event: login, do: [{track: {person: .data.user // .user, name: login}}]}
`))
	row := func(plan string) map[string]any {
		return map[string]any{"id": int64(7), "plan": plan, "total": big.NewRat(129, 50),
			"since": int64(1791194400123456)}
	}
	for _, test := range []struct {
		topic, schema string
		id            byte
		value         any
		json          string
		says          []string
	}{
		{"changes", changeSchema, 1, map[string]any{
			"before": map[string]any{"srv.public.orders.Value": row("free")},
			"after":  map[string]any{"srv.public.orders.Value": row("pro")},
			"source": map[string]any{"ts_ms": int64(1791194400123), "table": "orders"}, "op": "u",
		}, "", []string{`"id":"7"`, `"from":"free"`, `"to":"pro"`, `"total":2.58`, `"since":1791194400`}},
		{"batches", batchSchema, 2, map[string]any{"events": []any{
			map[string]any{"type": "login", "user": int64(7)}, map[string]any{"type": "login", "user": int64(8)},
		}}, `{"events":[{"type":"login","user":7},{"type":"login","user":8}]}`, []string{`"id":"7"`, `"id":"8"`}},
		{"clouds", cloudSchema, 3, map[string]any{"specversion": "1.0", "id": "e1", "source": "/shop", "type": "login",
			"time": "2026-10-05T08:30:00Z", "data": map[string]any{"user": int64(7)},
		}, `{"specversion":"1.0","id":"e1","source":"/shop","type":"login","time":"2026-10-05T08:30:00Z",` +
			`"data":{"user":7}}`, []string{`"id":"7"`, `"timestamp":1791189000`}},
	} {
		data, err := avro.MustParse(test.schema).Encode(test.value)
		if err != nil {
			t.Fatal(err)
		}
		binary := file(test.topic+".bin", append([]byte{0, 0, 0, 0, test.id}, data...))
		args := []string{"map", "-c", path, "-o", "json", "--topic", test.topic}
		for _, says := range test.says {
			expect(t, exit.OK, says, append(args, binary)...)
			if test.json != "" {
				expect(t, exit.OK, says, append(args, file(test.topic+".json", []byte(test.json)))...)
			}
		}
	}
	unknown := file("unknown.bin", []byte{0, 0, 0, 0, 9, 14})
	expect(t, exit.Input, "has schema 9, which the schema registry does not have", "map", "-c", path, "--topic",
		"batches", unknown)
}

// Who waits for a command does not wait for a registry that is away, and is told that it is.
func TestCommandsDoNotWaitForTheRegistry(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.SetDown(true)
	d, err := app.Content(config.Config{SchemaRegistry: schemas.Config{URL: r.URL}}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m := event.Message{Value: []byte{0, 0, 0, 0, 1, 14}}
	d.Patience = 50 * time.Millisecond
	err = d.Decode(t.Context(), event.Forms{Value: "avro"}, &m)
	if exit.Code(err) != exit.Broker || !strings.Contains(err.Error(), "has not answered for 50ms") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.Patience = time.Minute
	if err := d.Decode(ctx, event.Forms{Value: "avro"}, &m); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
