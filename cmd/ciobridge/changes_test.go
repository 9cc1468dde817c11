package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
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
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 1s, "+
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

const customersSchema = `{"type":"struct","name":"srv.public.customers.Envelope","fields":[{"type":"struct",` +
	`"field":"after","fields":[{"type":"int64","field":"id"},{"type":"string","field":"plan"},` +
	`{"type":"string","field":"bio"},{"type":"bytes","field":"balance",` +
	`"name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"3"}},` +
	`{"type":"int64","field":"since","name":"io.debezium.time.MicroTimestamp"}]}]}`
