package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
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

// Sealed letters of a person are found without the key of the seal, by digests under the key of erasure, which needs no
// fences. A letter that fails again in a replay keeps them.
func TestSealedLettersOfAPerson(t *testing.T) {
	beside(t)
	w := newWorld(t)
	w.write("erasure_key", "0123456789abcdef0123456789abcdef")
	w.write("keys", "k1 "+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))+"\n")
	sealed := "dead_letters={file: " + w.path("dead.jsonl") + ", keys_file: " + w.path("keys") + "}"
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	key := "erasure={key_file: " + w.path("erasure_key") + ", fences: false}"
	if _, err := w.cio.AddFault(emulator.Fault{Name: "refuse", Contains: `seq`, Refuse: "no such thing"}); err != nil {
		t.Fatal(err)
	}
	w.publishTexts([]string{`{"type":"numbered","who":"canary@example.com","seq":1}`,
		`{"type":"numbered","who":"other@example.com","seq":1}`})
	p := start(t, "run", "-c", path, "--set", key, "--set", sealed)
	answers(t, p.admin(t)+"/status", 200, `"dead_lettered": 2`)
	if code := p.stop(); code != exit.OK {
		t.Fatalf("exit code %d", code)
	}
	mac := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
	mac.Write([]byte("\x00id:canary@example.com"))
	check := func(letters int) {
		t.Helper()
		text, err := os.ReadFile(w.path("dead.jsonl"))
		if err != nil || bytes.Contains(text, []byte("canary")) ||
			bytes.Count(text, []byte(hex.EncodeToString(mac.Sum(nil)))) != letters {
			t.Errorf("%v, the log shows a person or lacks the digest: %s", err, text)
		}
		list := []string{"dlq", "list", "-c", path, "--set", key, "--person"}
		expect(t, exit.OK, "EVENTS/0@1 ", append(list, "canary@example.com")...)
		expect(t, exit.OK, "EVENTS/0@2 ", append(list, "id:other@example.com")...)
		expect(t, exit.OK, "no open letter", append(list, "email:other@example.com")...)
	}
	check(1)
	expect(t, exit.Failure, "", "dlq", "list", "-c", path, "--person", "canary@example.com") // it cannot be told
	w.write("rules.yaml", strings.Replace(worldRules, "track: {person: .who, name: numbered",
		"track: {person: .nobody, name: numbered", 1))
	expect(t, exit.Failure, "", "dlq", "replay", "-c", path, "--set", key, "--set", sealed, "--all")
	check(2)
}
