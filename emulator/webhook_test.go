package emulator_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/emulator/reporting"
)

// What is sent to people, what is reported of it, and who unsubscribes is told by webhooks, and what a developer makes
// up as well.
func TestReportingWebhooks(t *testing.T) {
	var mu sync.Mutex
	var got []reporting.Webhook
	taker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var hook reporting.Webhook
		if err := json.NewDecoder(r.Body).Decode(&hook); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, hook)
	}))
	defer taker.Close()
	s := emulator.New(emulator.Options{Webhook: emulator.Webhook{URL: taker.URL}})
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.SendWebhooks(ctx) })
	defer running.Wait()
	defer cancel()
	post := func(path, authorization, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if authorization == "" {
			r.SetBasicAuth(emulator.DefaultSiteID, emulator.DefaultAPIKey)
		} else {
			r.Header.Set("Authorization", authorization)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", path, res.StatusCode)
		}
	}
	post("/v1/send/email", "Bearer "+emulator.DefaultAppKey,
		`{"transactional_message_id":3,"to":"a@example.com","identifiers":{"id":"7"}}`)
	post("/api/v2/entity", "", `{"type":"person","action":"identify","identifiers":{"id":"7"},`+
		`"attributes":{"email":"a@example.com","unsubscribed":true}}`)
	post("/api/v1/metrics", "", `{"delivery_id":"`+s.Deliveries()[0].ID+`","metric":"bounced"}`)
	post("/_emulator/webhooks", "none", `{"object_type":"sms","metric":"replied","data":{"to":"+43123"}}`)
	for end := time.Now().Add(20 * time.Second); s.WebhookStats().Taken < 4 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	var told []string
	for _, hook := range got {
		told = append(told, hook.ObjectType+"."+hook.Metric)
		if hook.EventID == "" || hook.Timestamp == 0 {
			t.Errorf("%+v", hook)
		}
	}
	if text := strings.Join(told, " "); text != "email.sent customer.unsubscribed email.bounced sms.replied" {
		t.Fatalf("told %s", text)
	}
	if got[0].Data["delivery_id"] == "" || got[0].Data["recipient"] != "a@example.com" ||
		got[1].Data["email_address"] != "a@example.com" {
		t.Errorf("%+v", got)
	}
}
