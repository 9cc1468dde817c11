package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
)

// receipts are rules that send a message for each order, by an action of its own or by a request. Nothing in either
// would tell Customer.io of a repeat.
const receipts = `
rules:
  - name: message
    event: message
    do: [{send_email: {person: {email: .to}, transactional_message_id: 3, to: .to, message_data: {order: .order}}}]
  - name: receipt
    event: order
    do:
      - request:
          api: app
          method: POST
          path: /send/email
          body: {transactional_message_id: '3', to: .to, identifiers: {email: .to}}
`

// A bridge that is killed again and again sends each message once, or asks a person, who then finds out and decides.
func TestKilledAMessageIsNeverSentTwice(t *testing.T) {
	beside(t)
	b := newBus(t, 3)
	b.write("rules.yaml", receipts)
	b.write("app_key", emulator.DefaultAppKey)
	path := b.configure(b.source(), "{topic: "+deadTopic+", create: true}")
	set := []string{"-c", path, "--set", "customerio.app_key_file=" + b.path("app_key"), "--set",
		"customerio.allow=[request]", "--set", "customerio.timeout=1s", "--set",
		"customerio.transactional_requests_per_second=1000"}
	for _, spec := range []string{"name=slow,latency=20ms", "name=lost answers,reset,applied,nth=25,times=2"} {
		if _, err := b.cio.AddFault(mustFault(t, spec)); err != nil {
			t.Fatal(err)
		}
	}
	orders := 50 + 30*kills(t, 1)
	for i := range orders {
		kind := []string{"order", "message"}[i%2]
		value := fmt.Appendf(nil, `{"type":%q,"to":"p%d@example.com","order":%d}`, kind, i, i)
		b.client.Produce(t.Context(), &kgo.Record{Key: fmt.Append(nil, i), Value: value}, nil)
	}
	if err := b.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := range kills(t, 1) {
		var log logBuffer
		cmd := launch(t, &log, append([]string{"run"}, set...)...)
		eventually(t, "messages are sent before a kill: "+log.String(), 30*time.Second, func() bool {
			return len(b.cio.Deliveries()) >= 30*(n+1)
		})
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	p := start(t, append([]string{"run"}, set...)...)
	// What the emulator has taken is not settled before the bridge has an answer, or has waited for it in vain.
	eventually(t, "every order is settled", 40*time.Second, func() bool { return p.adminAddr() != "" && p.finished(3) })
	letters := b.uncertain(set)
	known := map[string]bool{}
	for to := range b.sent() {
		known[to] = true
	}
	for to := range letters {
		known[to] = true
	}
	if len(known) != orders {
		t.Errorf("%d of %d orders are sent or a letter", len(known), orders)
	}
	if len(letters) == 0 {
		t.Error("nothing was cut off, so that the test shows nothing")
	}
	b.decide(letters, set)
	for to, n := range b.sent() {
		if n > 1 {
			t.Errorf("%s got %d messages", to, n)
		}
	}
	if n := len(b.sent()); n != orders {
		t.Errorf("%d of %d orders were sent", n, orders)
	}
	if left := b.uncertain(set); len(left) > 0 {
		t.Errorf("letters are left: %v", left)
	}
	p.stop()
	t.Logf("%d letters to decide about", len(letters))
}

// finished reports whether nothing is left of so many partitions.
func (p *process) finished(partitions int) bool {
	done := 0
	for line := range strings.Lines(get(p.t, "http://"+p.adminAddr()+"/metrics")) {
		if strings.HasPrefix(line, "kafka_consumer_lag{") && strings.HasSuffix(strings.TrimSpace(line), " 0") {
			done++
		}
	}
	return done == partitions
}

// sent counts the messages by recipient.
func (w *world) sent() map[string]int {
	sent := map[string]int{}
	for _, d := range w.cio.Deliveries() {
		sent[strings.TrimPrefix(d.To, "email:")]++
	}
	return sent
}

// uncertain are the open letters about which somebody has to decide, by recipient.
func (w *world) uncertain(set []string) map[string]string {
	w.t.Helper()
	args := []string{"deadletters", "list", "--reason", "send_uncertain", "--show-values", "-o", "json"}
	out := w.must(0, append(args, set...)...)
	letters := map[string]string{}
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var l struct {
			ID    string
			Value struct{ To string }
		}
		if err := dec.Decode(&l); err != nil {
			w.t.Fatalf("%v: %s", err, out)
		}
		letters[l.Value.To] = l.ID
	}
	return letters
}

// decide finds out which calls were sent, and says so. Without that no replay sends them.
func (w *world) decide(letters map[string]string, set []string) {
	w.t.Helper()
	before := w.sent()
	said := w.must(1, append([]string{"deadletters", "replay", "--all", "--include-destructive"}, set...)...)
	if !strings.Contains(said, "may have been sent, and may not be sent twice") {
		w.t.Errorf("a replay before the decision: %s", said)
	}
	decided := map[string][]string{}
	for to, id := range letters {
		flag := "--not-sent"
		if before[to] > 0 {
			flag = "--sent"
		}
		decided[flag] = append(decided[flag], id)
	}
	for flag, ids := range decided {
		w.must(0, append(append([]string{"deadletters", "resolve", flag}, ids...), set...)...)
	}
}

// must runs a command that ends with that code, and gives what it printed.
func (w *world) must(code int, args ...string) string {
	w.t.Helper()
	var out, errs bytes.Buffer
	if got := run(context.Background(), args, stdio{in: &bytes.Buffer{}, out: &out, err: &errs}); got != code {
		w.t.Fatalf("%q ended with %d: %s%s", args, got, &out, &errs)
	}
	return out.String()
}
