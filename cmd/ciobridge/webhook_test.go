package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A producer that publishes a person's changes out of order: with the time since when they are so, the newest stays,
// and it is counted that Customer.io ignores the others.
func TestWebhooksOutOfOrder(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	b.write("rules.yaml", `rules:
  - name: subscription
    event: sub.updated
    do: [{identify: {person: .id, attributes: {status: .status}, timestamp: .at}}]
  - name: done
    event: done
    do: [{track: {person: .id, name: done}}]
`)
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 1s, "+
		"topics: [%s]}}", b.brokers[0], eventsTopic), "{file: "+b.path("dead.jsonl")+"}")
	for _, e := range []string{
		`{"type":"sub.updated","at":"2026-10-05T10:00:05Z","id":"ooo1","status":"active"}`,
		`{"type":"sub.updated","at":"2026-10-05T10:00:01Z","id":"ooo1","status":"incomplete"}`,
		`{"type":"done","id":"ooo1"}`,
	} {
		if err := b.client.ProduceSync(context.Background(), &kgo.Record{Value: []byte(e)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, "run", "-c", path)
	b.receives("event", "id:ooo1")
	var got []string
	for _, r := range b.cio.Receipts(0) {
		if r.Action == "identify" {
			var body struct{ Attributes map[string]string }
			if err := json.Unmarshal(r.Body, &body); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(body.Attributes["status"], " ", r.Timestamp, " ", r.Applied, r.Ignored))
		}
	}
	if want := []string{"active 1791194405 true", "incomplete 1791194401 falsestale"}; !slices.Equal(got, want) {
		t.Errorf("Customer.io received %q, want %q", got, want)
	}
	const counted = `ciobridge_rule_total{result="timestamps_behind",rule="subscription"} 1`
	if text := get(t, "http://"+p.adminAddr()+"/metrics"); !strings.Contains(text, counted) {
		t.Errorf("the metrics do not have %s", counted)
	}
}
