package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// forgetRules are rules by which people come, go and come back.
const forgetRules = `rules:
  - name: seen
    event: seen
    do: [{track: {person: .who, name: seen}}]
  - name: gone
    event: gone
    do: [{delete: {person: .who}}]
  - name: back
    event: back
    revive: true
    do: [{identify: {person: .who, attributes: {again: true}}}]
`

// Somebody is deleted: the letter of an earlier call is closed and not sent, a later event brings nobody back, one of a
// rule that revives does, and an event tells of the erasure without naming anybody.
func TestErasureOverKafka(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	b.write("rules.yaml", forgetRules)
	b.write("erasure_key", "0123456789abcdef0123456789abcdef")
	path := b.configure(b.source(), "{file: "+b.path("dead.jsonl")+"}")
	erasure := "erasure={key_file: " + b.path("erasure_key") + ", topic: fences, create: true, settle: 0s, " +
		"report_topic: " + deadTopic + "}"
	if _, err := b.cio.AddFault(emulator.Fault{Refuse: "no", Person: "id:ann", Times: 1}); err != nil {
		t.Fatal(err)
	}
	produce := func(values ...string) {
		t.Helper()
		for _, value := range values {
			record := &kgo.Record{Value: []byte(value)}
			if err := b.client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := start(t, "run", "-c", path, "--set", erasure)
	admin := p.admin(t)
	produce(`{"type":"seen","who":"ann"}`)
	counts := func(what, metric string) {
		t.Helper()
		eventually(t, what, 20*time.Second, func() bool {
			return strings.Contains(get(t, admin+"/metrics"), metric)
		})
	}
	counts("the first call is a letter", `ciobridge_dead_letters_total{reason="refused"} 1`)
	produce(`{"type":"gone","who":"ann"}`, `{"type":"seen","who":"ann"}`, `{"type":"seen","who":"bob"}`)
	b.receives("event", "id:bob")
	counts("the later event is withheld", `ciobridge_erasure_withheld_total{event="later"} 1`)
	expect(t, exit.OK, "1 closed and not sent: their persons were erased", "deadletters", "replay", "-c", path,
		"--set", erasure, "--all")
	expect(t, exit.OK, "0 open letters", "deadletters", "replay", "-c", path, "--set", erasure, "--all")
	produce(`{"type":"back","who":"ann"}`)
	b.receives("identify", "id:ann")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	b.onlyRefused("ann")
	b.client.AddConsumeTopics(deadTopic)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	reports := b.client.PollRecords(ctx, 10).Records()
	if len(reports) != 1 || !strings.Contains(string(reports[0].Value), `"type":"ciobridge.person.erased"`) ||
		strings.Contains(string(reports[0].Value), "ann") {
		t.Errorf("reports: %v", reports)
	}
}

// onlyRefused makes sure that one event of a person arrived: the one that was refused.
func (w *world) onlyRefused(who string) {
	w.t.Helper()
	events := 0
	for _, r := range w.cio.Receipts(0) {
		if r.Person == "id:"+who && r.Action == "event" {
			events++
		}
	}
	if events != 1 {
		w.t.Errorf("%d events of %s arrived; want the refused one alone", events, who)
	}
}
