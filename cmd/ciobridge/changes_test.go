package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/registrytest"
)

// A table that Debezium follows: what a row became reaches Customer.io, what it could not read is not erased, a
// deletion deletes the person, and neither its tombstone nor a heartbeat is a dead letter.
func TestChangesOfATableReachCustomerIO(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	b.write("rules.yaml", `rules:
  - name: row
    event: [customers.upsert, customers.snapshot]
    do: [{identify: {person: .id, attributes: {plan: .plan, bio: .bio, balance: .balance, since: .since | unix}}}]
  - name: moved
    event: customers.upsert
    if: $change.op == "u" and $change.before.plan != .plan
    do: [{track: {person: .id, name: moved, data: {from: $change.before.plan, key: $change.key.id}}}]
  - name: gone
    event: customers.delete
    do: [{delete: {person: .id}}]
`)
	letters := b.path("dead.jsonl")
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 10s, "+
		"topics: [{name: %s, envelope: debezium}]}}", b.brokers[0], eventsTopic), "{file: "+letters+"}")
	key := []byte(`{"schema":{"type":"struct","fields":[{"type":"int64","field":"id"}]},"payload":{"id":7}}`)
	var records []*kgo.Record
	for _, change := range []string{
		`"op":"r","before":null,"after":{"id":7,"plan":"free","bio":"likes tea","balance":"adw=","since":1791194400123456}`,
		`"op":"u","before":{"id":7,"plan":"free"},"after":{"id":7,"plan":"pro","bio":"__debezium_unavailable_value",` +
			`"balance":"AQ==","since":1791194400123456}`,
		`"op":"d","before":{"id":7},"after":null`,
	} {
		records = append(records, &kgo.Record{Key: key, Value: []byte(`{"schema":` + customersSchema + `,"payload":{` +
			change + `,"source":{"ts_ms":1791194400123,"table":"customers"}}}`)})
	}
	records = append(records, &kgo.Record{Key: key}, &kgo.Record{Value: []byte(`{"ts_ms":1791194400123}`)})
	if err := b.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "-c", path)
	b.receives("delete", "id:7")
	p.skipped(2)
	var got []string
	for _, r := range b.cio.Receipts(0) {
		if r.Action == "" {
			continue // the look at the account as the bridge starts
		}
		var body struct{ Attributes map[string]any }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %v", r.Action, r.Person, body.Attributes))
	}
	if want := []string{
		"identify id:7 map[balance:27.1 bio:likes tea plan:free since:1.7911944e+09]",
		"identify id:7 map[balance:0.001 plan:pro since:1.7911944e+09]",
		"event id:7 map[from:free key:7]",
		"delete id:7 map[]",
	}; !slices.Equal(got, want) {
		t.Errorf("Customer.io received\n%s", strings.Join(got, "\n"))
	}
	if text, err := os.ReadFile(letters); err == nil && len(text) > 0 {
		t.Errorf("dead letters:\n%.500s", text)
	}
}

// The same with value and key in Avro, which is how Debezium is mostly set up. Of a deletion a tombstone may be all
// that is left: its key tells whose.
func TestChangesInAvroReachCustomerIO(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	r := registrytest.Start(t)
	r.Register(1, "", `{"type":"record","name":"Key","namespace":"srv.public.orders","fields":[
		{"name":"id","type":"long"}],"connect.name":"srv.public.orders.Key"}`)
	r.Register(2, "", changeSchema)
	b.write("rules.yaml", `rules:
  - name: moved
    event: orders.upsert
    do: [{track: {person: .id, name: moved, data: {to: .plan, key: $change.key.id, same: $message.key.id == .id}}}]
  - name: gone
    event: "*.delete"
    do: [{delete: {person: .id}}]
`)
	letters := b.path("dead.jsonl")
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 10s, "+
		"topics: [{name: %s, content: avro, envelope: debezium, on_null: event}]}}", b.brokers[0], eventsTopic),
		"{file: "+letters+"}")
	row := map[string]any{"id": int64(7), "plan": "pro", "total": big.NewRat(129, 50),
		"since": int64(1791194400123456)}
	value, err := avro.MustParse(changeSchema).Encode(map[string]any{"before": nil,
		"after":  map[string]any{"srv.public.orders.Value": row},
		"source": map[string]any{"ts_ms": int64(1791194400123), "table": "orders"}, "op": "u"})
	if err != nil {
		t.Fatal(err)
	}
	key := []byte("\x00\x00\x00\x00\x01\x0e")
	value = append([]byte{0, 0, 0, 0, 2}, value...)
	records := []*kgo.Record{{Key: key, Value: value}, {Key: key}}
	if err := b.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "-c", path, "--set", "schema_registry.url="+r.URL)
	b.receives("delete", "id:7")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	for _, receipt := range b.cio.Receipts(0) {
		if body := string(receipt.Body); receipt.Action == "event" &&
			!strings.Contains(body, `"attributes":{"key":7,"same":true,"to":"pro"}`) {
			t.Errorf("Customer.io received %s", body)
		}
	}
	if text, err := os.ReadFile(letters); err == nil && len(text) > 0 {
		t.Errorf("dead letters:\n%.500s", text)
	}
}

const customersSchema = `{"type":"struct","name":"srv.public.customers.Envelope","fields":[{"type":"struct",` +
	`"field":"after","fields":[{"type":"int64","field":"id"},{"type":"string","field":"plan"},` +
	`{"type":"string","field":"bio"},{"type":"bytes","field":"balance",` +
	`"name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"3"}},` +
	`{"type":"int64","field":"since","name":"io.debezium.time.MicroTimestamp"}]}]}`
