package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
)

const requestRules = `
rules:
  - name: signup
    event: signup
    do:
      - identify: {person: .who, attributes: {email: .email}}
      - request: {api: app, method: GET, path: /customers, query: {email: .email}, person: .who, reply_to: answers}
      - request:
          api: app
          method: POST
          path: /segments
          person: .who
          body: {segment: {name!: .who, description: .email}}
          reply_to: answers
  - name: broken
    event: broken
    do:
      - request: {api: app, method: GET, path: '/customers/{.who}/attributes', retry: {max_attempts: 2}}
`

// TestRequestsOfARulesOwn asks App after Track has taken what the event says of the person, makes a segment once, and
// publishes both answers. What App refuses is a dead letter, and so is a value that would lead elsewhere.
func TestRequestsOfARulesOwn(t *testing.T) {
	beside(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, eventsTopic, deadTopic, "answers"),
		kfake.GroupMinSessionTimeout(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := joinBus(t, cluster.ListenAddrs())
	b.session = longSession
	path := b.configureKafka()
	b.write("app_key", emulator.DefaultAppKey)
	b.write("rules.yaml", requestRules)
	b.write("app.yaml", fmt.Sprintf("customerio: {app_key_file: %s, allow: [request]}\nledger: {file: %s}\n",
		b.path("app_key"), b.path("ledger.jsonl")))
	args := []string{"-c", path, "-c", b.path("app.yaml")}
	p := start(t, append([]string{"run"}, args...)...)
	for _, value := range []string{
		`{"type":"signup","who":"ada","email":"ada+1@example.com"}`,
		`{"type":"broken","who":"nobody/here"}`, `{"type":"broken","who":"../segments"}`,
	} {
		if err := b.client.ProduceSync(t.Context(), &kgo.Record{Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}

	answers := b.answers(2)
	if got := string(answers[0].Body); answers[0].Status != 200 || !strings.Contains(got, `"id":"ada"`) {
		t.Errorf("the look-up was answered %d %s", answers[0].Status, got)
	}
	if got := string(answers[1].Body); answers[1].Status != 200 || !strings.Contains(got, `"name":"ada"`) {
		t.Errorf("the segment was answered %d %s", answers[1].Status, got)
	}
	for _, a := range answers {
		if a.key != a.ID || a.ID == "" || a.Rule != "signup" || !strings.HasPrefix(a.Call, "request") {
			t.Errorf("an answer has the identity %+v", a)
		}
	}
	eventually(t, "two dead letters", 20*time.Second, func() bool {
		out, code := command(t, append([]string{"deadletters", "list", "-o", "json"}, args...)...)
		return code == exit.OK && len(lines(out)) == 2 && strings.Contains(out, `"reason":"refused"`) &&
			strings.Contains(out, `"reason":"invalid_value"`)
	})
	out, code := command(t, append([]string{"api", "GET", "/segments"}, args...)...)
	if n := strings.Count(out, `"name":"ada"`); code != exit.OK || n != 1 {
		t.Errorf("%d segments of that name, code %d: %s", n, code, out)
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	b.write("app_key", "wrong")
	refused := start(t, append([]string{"run"}, args...)...)
	if code := <-refused.code; code != exit.Credentials ||
		!strings.Contains(refused.log.String(), "refuses the App key") {
		t.Errorf("a wrong App key: code %d", code)
	}
}

type answered struct {
	ID, Rule, Call string
	Status         int
	Body           json.RawMessage
	key            string
}

// answers waits for so many records of the topic of answers.
func (b *bus) answers(n int) (all []answered) {
	b.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers...), kgo.ConsumeTopics("answers"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	for len(all) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			b.t.Fatalf("%d answers: %v", len(all), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			a := answered{key: string(r.Key)}
			if err := json.Unmarshal(r.Value, &a); err != nil {
				b.t.Errorf("%s: %v", r.Value, err)
			}
			all = append(all, a)
		})
	}
	return all
}
