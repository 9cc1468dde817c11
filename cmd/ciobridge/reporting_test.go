package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/secret"
	"github.com/ciobridge/ciobridge/webhook"
)

const (
	webhookTopic = "customerio.webhooks"
	webhookKey   = "a-signing-key"
)

// webhooks is where a bridge takes webhooks.
func (p *process) webhooks(t *testing.T) string {
	t.Helper()
	pattern := regexp.MustCompile(`"message":"starting".*"webhooks":"([^"]+)"`)
	var found []string
	eventually(t, "the address for webhooks is logged", 10*time.Second, func() bool {
		found = pattern.FindStringSubmatch(p.log.String())
		return found != nil
	})
	return "http://" + found[1] + "/webhooks/customerio"
}

// tellWebhook sends a webhook until it is taken, as Customer.io does.
func tellWebhook(t *testing.T, url, id string) {
	t.Helper()
	body := fmt.Sprintf(`{"event_id":%q,"object_type":"email","metric":"bounced","timestamp":1700000000,"data":`+
		`{"identifiers":{"cio_id":"cio_7","email":"canary@example.com"}}}`, id)
	eventually(t, "the webhook is taken", 30*time.Second, func() bool {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-CIO-Timestamp", stamp)
		r.Header.Set("X-CIO-Signature", webhook.Sign(secret.New(webhookKey), stamp, []byte(body)))
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// withWebhooks adds the section to the configuration.
func (w *world) withWebhooks(to string) string {
	w.write("webhook_key", webhookKey)
	return fmt.Sprintf("webhooks={listen: '127.0.0.1:0', signing_keys: [{file: %s}], %s}", w.path("webhook_key"), to)
}

// bounced is what a published event must be.
func bounced(t *testing.T, text []byte) (id string) {
	t.Helper()
	var e struct {
		ID, Type, Subject string
		Data              struct{ Metric string }
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != "io.customer.email.bounced" || e.Subject != "cio_7" || e.Data.Metric != "bounced" {
		t.Errorf("published %s", text)
	}
	return e.ID
}

// Webhooks come to a topic, each once, whatever Customer.io repeats, also to a bridge that was started again.
func TestWebhooksToKafka(t *testing.T) {
	beside(t)
	b := newBus(t, 3)
	createTopics(t, b.brokers[0], 2, webhookTopic)
	b.client.AddConsumeTopics(webhookTopic)
	path := b.configureKafka()
	section := b.withWebhooks("topic: " + webhookTopic)
	for _, ids := range [][]string{{"1", "2", "1"}, {"2", "3"}} {
		p := start(t, "run", "-c", path, "--set", section)
		url := p.webhooks(t)
		for _, id := range ids {
			tellWebhook(t, url, id)
		}
		answers(t, p.admin(t)+"/readyz", http.StatusOK, "ready\n")
		if code := p.stop(); code != exit.OK {
			t.Errorf("exit code %d", code)
		}
		if strings.Contains(p.log.String(), "canary@") {
			t.Error("personal data in the log")
		}
	}
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for len(got) < 3 {
		fetches := b.client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("published %v", got)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got = append(got, bounced(t, r.Value))
			if string(r.Key) != "cio_7" || r.Headers[0].Key != "content-type" {
				t.Errorf("key %s, headers %v", r.Key, r.Headers)
			}
		})
	}
	if fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("published %v", got)
	}
}

// Webhooks come to subjects of their metric.
func TestWebhooksToJetStream(t *testing.T) {
	longtest.Only(t)
	beside(t)
	s := newSubjects(t)
	stream, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "WEBHOOKS",
		Subjects: []string{webhookTopic + ".>"}, Duplicates: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	path := s.configureNATS()
	section := s.withWebhooks("subject: " + webhookTopic)
	for _, ids := range [][]string{{"1", "2"}, {"2", "1", "3"}} {
		p := start(t, "run", "-c", path, "--set", section)
		url := p.webhooks(t)
		for _, id := range ids {
			tellWebhook(t, url, id)
		}
		if code := p.stop(); code != exit.OK {
			t.Errorf("exit code %d", code)
		}
		time.Sleep(200 * time.Millisecond) // the server's own duplicate window is over
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != 3 {
		t.Errorf("%d are published", info.State.Msgs)
	}
	for i := range info.State.Msgs {
		m, err := stream.GetMsg(t.Context(), i+1)
		if err != nil {
			t.Fatal(err)
		}
		if id := bounced(t, m.Data); id != strconv.Itoa(int(i)+1) || m.Subject != webhookTopic+".email.bounced" {
			t.Errorf("%s on %s", id, m.Subject)
		}
	}
}

// A topic that is read takes no webhooks: they would go round in circles.
func TestWebhooksDoNotGoInCircles(t *testing.T) {
	t.Parallel()
	b := newBus(t, 1)
	expect(t, exit.Input, "webhooks.topic: is read by the source too", "check", "-c", b.configureKafka(), "--set",
		b.withWebhooks("topic: "+eventsTopic))
	expect(t, exit.Input, "webhooks.topic: is that of the dead letters", "check", "-c", b.configureKafka(), "--set",
		b.withWebhooks("topic: "+deadTopic))
	expect(t, exit.Input, "webhooks.subject: is read by the source too", "check", "-c",
		b.configure("{embedded: {dir: "+b.path("data")+", start_at: earliest}}", "{file: "+b.path("dead")+"}"), "--set",
		b.withWebhooks("subject: events.webhooks"))
	s := newSubjects(t)
	p := start(t, "run", "-c", s.configureNATS(), "--set", s.withWebhooks("subject: events"))
	if code := <-p.code; code != exit.Input ||
		!strings.Contains(p.log.String(), "is kept by stream EVENTS, which the source reads too") {
		t.Errorf("exit code %d, log:\n%s", code, p.log)
	}
}
