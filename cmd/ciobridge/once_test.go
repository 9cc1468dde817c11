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

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/longtest"
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

// mail is a bridge that sends a message for each order.
type mail struct {
	*world
	set        []string // its command line
	partitions int      // that it reads
	publish    func(values []string)
	orders     int
}

func newMail(w *world, path string, partitions int, publish func(values []string)) *mail {
	w.write("rules.yaml", receipts)
	w.write("app_key", emulator.DefaultAppKey)
	return &mail{world: w, partitions: partitions, publish: publish, set: []string{"-c", path, "--set",
		"customerio.app_key_file=" + w.path("app_key"), "--set", "customerio.allow=[request]", "--set",
		"customerio.timeout=1s", "--set", "customerio.transactional_requests_per_second=1000"}}
}

// mail has a bridge send messages for what the bus carries.
func (b *bus) mail(partitions int) *mail {
	path := b.configure(b.source(), "{topic: "+deadTopic+", create: true}")
	return newMail(b.world, path, partitions, b.publishValues)
}

func (s *subjects) mail() *mail { return newMail(s.world, s.configureNATS(), 1, s.publishValues) }

// publishValues publishes events, each with itself for a key.
func (b *bus) publishValues(values []string) {
	b.t.Helper()
	for _, value := range values {
		record := &kgo.Record{Key: []byte(value), Value: []byte(value)}
		b.client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			if err != nil {
				b.t.Error(err)
			}
		})
	}
	if err := b.client.Flush(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

// publishValues publishes events, which differ from each other, again until the stream has them once.
func (s *subjects) publishValues(values []string) {
	s.t.Helper()
	for _, value := range values {
		eventually(s.t, "the stream takes events", 60*time.Second, func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			_, err := s.js.Publish(ctx, "events.any", []byte(value), jetstream.WithMsgID(value))
			return err == nil
		})
	}
}

// order publishes so many orders more.
func (m *mail) order(n int) {
	var values []string
	for range n {
		kind := []string{"order", "message"}[m.orders%2]
		values = append(values, fmt.Sprintf(`{"type":%q,"to":"p%d@example.com","order":%d}`, kind, m.orders, m.orders))
		m.orders++
	}
	m.publish(values)
}

// settled waits until nothing is left to do. What the emulator has taken is not settled before the bridge has an
// answer, or has waited for it in vain. On NATS the lag is told with a delay.
func (m *mail) settled(p *process) {
	m.t.Helper()
	var since time.Time
	eventually(m.t, "every order is settled", 60*time.Second, func() bool {
		if p.adminAddr() == "" || !p.finished(m.partitions) {
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		}
		return !since.IsZero() && time.Since(since) > shortSession/2
	})
}

// once makes sure that nobody got two messages, and gives the number of those who got one.
func (m *mail) once() int {
	m.t.Helper()
	sent := m.sent()
	for to, n := range sent {
		if n > 1 {
			m.t.Errorf("%s got %d messages", to, n)
		}
	}
	return len(sent)
}

// A bridge that is killed again and again sends each message once, or asks a person, who then finds out and decides.
func TestKilledAMessageIsNeverSentTwice(t *testing.T) {
	longtest.Only(t)
	beside(t)
	newBus(t, 3).mail(3).killed()
}

// killed kills the bridge again and again while it sends.
func (m *mail) killed() {
	t := m.t
	for _, spec := range []string{"name=slow,latency=100ms", "name=lost answers,reset,applied,nth=25,times=2"} {
		if _, err := m.cio.AddFault(mustFault(t, spec)); err != nil {
			t.Fatal(err)
		}
	}
	m.order(50 + 60*kills(t, 1)) // each kill cuts some off, about which somebody has to decide
	for n := range kills(t, 1) {
		var log logBuffer
		cmd := launch(t, &log, append([]string{"run"}, m.set...)...)
		sent := func() bool { return len(m.cio.Deliveries()) >= 30*(n+1) }
		for end := time.Now().Add(30 * time.Second); !sent(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("kill %d: %d messages are sent:\n%s", n+1, len(m.cio.Deliveries()), &log)
			}
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	p := start(t, append([]string{"run"}, m.set...)...)
	m.settled(p)
	letters := m.uncertain(m.set)
	known := map[string]bool{}
	for to := range m.sent() {
		known[to] = true
	}
	for to := range letters {
		known[to] = true
	}
	if len(known) != m.orders {
		t.Errorf("%d of %d orders are sent or a letter", len(known), m.orders)
	}
	if len(letters) == 0 {
		t.Error("nothing was cut off, so that the test shows nothing")
	}
	m.decide(letters, m.set)
	if n := m.once(); n != m.orders {
		t.Errorf("%d of %d orders were sent", n, m.orders)
	}
	if left := m.uncertain(m.set); len(left) > 0 {
		t.Errorf("letters are left: %v", left)
	}
	p.stop()
	t.Logf("%d letters to decide about", len(letters))
}

// finished reports whether nothing is left of so many partitions.
func (p *process) finished(partitions int) bool {
	done := 0
	for line := range strings.Lines(get(p.t, "http://"+p.adminAddr()+"/metrics")) {
		lag := strings.HasPrefix(line, "kafka_consumer_lag{") || strings.HasPrefix(line, "ciobridge_stream_lag{")
		if lag && strings.HasSuffix(strings.TrimSpace(line), " 0") {
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
