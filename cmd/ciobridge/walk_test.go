package main

import (
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// The walk of the README, without Docker: publish, see the calls, break one, list the dead letter, mend the rule,
// replay, see it delivered and the letter resolved.
func TestWalkOnKafka(t *testing.T) {
	beside(t)
	walkOnKafka(t, newBus(t, 2))
}

func TestWalkOnRealKafka(t *testing.T) {
	containertest.NeedDocker(t)
	walkOnKafka(t, containerBus(t, 2))
}

func walkOnKafka(t *testing.T, b *bus) {
	b.session = longSession
	walk(t, b.world, b.configureKafka(), func(key, value string) {
		if err := b.client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(key),
			Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWalkOnNATS(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	s.session = longSession
	walk(t, s.world, s.configureNATS(), func(_, value string) { publishTo(t, s.url, "events.orders", value) })
}

// orderRules reads the example rules for orders into the world.
func (w *world) orderRules() string {
	rules, err := config.Examples.ReadFile("rules/orders.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	order, err := config.Examples.ReadFile("rules/testdata/order.json")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.MkdirAll(w.path("testdata"), 0o755); err != nil {
		w.t.Fatal(err)
	}
	w.write(path.Join("testdata", "order.json"), string(order))
	w.write("rules.yaml", string(rules))
	return string(rules)
}

func walk(t *testing.T, w *world, configuration string, publish func(key, value string)) {
	rules := w.orderRules()
	p := start(t, "run", "-c", configuration)
	publish("ada", `{"type":"shop.order.completed","data":{"order_id":"o_1","customer_id":"ada",`+
		`"total":60.75,"items":[{"sku":"LAMP-01"}]}}`)
	eventually(t, "ada's calls at Customer.io", 20*time.Second, func() bool {
		return slices.Equal(w.callsOf("ada"), []string{"identify", "order_completed", "item_bought"})
	})

	publish("ben", `{"type":"shop.order.completed","data":{"order_id":"o_2","buyer_id":"ben","total":12.5,"items":[]}}`)
	var letters []string
	eventually(t, "the dead letter", 20*time.Second, func() bool {
		out, code := command(t, "deadletters", "list", "-c", configuration, "--rule", "order", "-o", "json")
		letters = lines(out)
		return code == exit.OK && len(letters) == 1
	})
	var letter struct{ ID, Reason, Rule string }
	if err := json.Unmarshal([]byte(letters[0]), &letter); err != nil || letter.Reason != "missing_field" ||
		letter.Rule != "order" {
		t.Fatalf("the letter says %+v (%v)", letter, err)
	}

	w.write("rules.yaml", strings.ReplaceAll(rules, ".data.customer_id", ".data.customer_id // .data.buyer_id"))
	expect(t, exit.OK, "", "check", "-c", configuration)
	p.stop()
	p = start(t, "run", "-c", configuration)

	expect(t, exit.OK, "", "deadletters", "replay", "-c", configuration, "--rule", "order", "--dry-run")
	if calls := w.callsOf("ben"); len(calls) > 0 {
		t.Errorf("a dry run has sent %v", calls)
	}
	expect(t, exit.OK, "1 delivered", "deadletters", "replay", "-c", configuration, "--rule", "order")
	if calls := w.callsOf("ben"); !slices.Equal(calls, []string{"identify", "order_completed"}) {
		t.Errorf("the replay has sent %v", calls)
	}
	if out, _ := command(t, "deadletters", "list", "-c", configuration, "-o", "json"); len(lines(out)) > 0 {
		t.Errorf("still open: %s", out)
	}
	expect(t, exit.OK, "delivered", "deadletters", "show", letter.ID, "-c", configuration)

	taken := w.cio.Stats().Items
	expect(t, exit.OK, "0 delivered", "deadletters", "replay", "-c", configuration, "--all")
	if again := w.cio.Stats().Items - taken; again > 0 {
		t.Errorf("a second replay has sent %d calls", again)
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}

// callsOf lists what Customer.io took for a person: names of events, and actions of other calls.
func (w *world) callsOf(person string) []string {
	var calls []string
	for _, r := range w.cio.Receipts(0) {
		switch {
		case r.Person != "id:"+person || !r.Taken:
		case r.Name != "":
			calls = append(calls, r.Name)
		default:
			calls = append(calls, r.Action)
		}
	}
	return calls
}

// command runs a command to its end and returns its standard output.
func command(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out, errs logBuffer
	code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs})
	if text := errs.String(); text != "" {
		t.Logf("%v: %s", args, text)
	}
	searchOutput(t, "ciobridge "+strings.Join(args, " "), out.String()+errs.String())
	return out.String(), code
}

// expect runs a command that must end with a code and say something.
func expect(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	if out, got := command(t, args...); got != code || !strings.Contains(out, says) {
		t.Errorf("%v: exit code %d, want %d and %q in:\n%s", args, got, code, says, out)
	}
}

func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// publishTo publishes events with an ordinary NATS client and waits for the acknowledgements.
func publishTo(t *testing.T, url, subject string, events ...string) {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if _, err := js.Publish(t.Context(), subject, []byte(e)); err != nil {
			t.Fatal(err)
		}
	}
}
