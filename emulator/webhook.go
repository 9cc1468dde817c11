package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/emulator/reporting"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// DefaultWebhookKey signs the reporting webhooks of an emulator that was given no key.
const DefaultWebhookKey = "emulator-webhook-key"

// Webhook says where reporting webhooks are sent, and how they are signed.
type Webhook struct {
	URL string // none are sent if it is empty
	Key string // DefaultWebhookKey if empty
	// Retry is the pause before the first repeat of a webhook that nobody took; a second if 0. Each further pause is
	// twice as long.
	Retry time.Duration
}

func (w Webhook) withDefaults() Webhook {
	if w.Key == "" {
		w.Key = DefaultWebhookKey
	}
	if w.Retry == 0 {
		w.Retry = time.Second
	}
	return w
}

func (w Webhook) validate() error {
	if w.URL == "" {
		return nil
	}
	if u, err := url.Parse(w.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("webhook url: want http://HOST/PATH or https://HOST/PATH")
	}
	if w.Retry < 0 {
		return errors.New("webhook retry: must not be negative")
	}
	return nil
}

// reactEvery is how often it is asked whether somebody reacts by now, so that webhooks tell of it in time.
const reactEvery = 100 * time.Millisecond

// SendWebhooks sends reporting webhooks until ctx ends: of deliveries, of how people react to them, of people who
// unsubscribe or subscribe again, and those that were posted to the emulator's own endpoint.
func (s *Server) SendWebhooks(ctx context.Context) {
	if s.webhooks == nil {
		return
	}
	var reactions sync.WaitGroup
	defer reactions.Wait()
	reactions.Go(func() {
		tick := time.NewTicker(reactEvery)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				s.mu.Lock()
				s.workspace.React(now)
				s.mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	})
	s.webhooks.Run(ctx)
}

// tell makes a webhook of a report.
func (s *Server) tell(r workspace.Report) {
	data := map[string]any{"customer_id": r.Person.ID, "identifiers": map[string]any{
		"id": optional(r.Person.ID), "email": optional(r.Person.Email), "cio_id": r.Person.CioID,
	}}
	if d := r.Delivery; d != nil {
		data["delivery_id"], data["recipient"] = d.ID, d.Recipient
		origin(data, d.Source)
		if d.Subject != "" {
			data["subject"] = d.Subject
		}
	} else if r.Person.Email != "" {
		data["email_address"] = r.Person.Email
	}
	if r.Href != "" {
		data["href"] = r.Href
	}
	switch {
	case r.Metric == "clicked" && r.Machine:
		data["machine"] = true
	case r.Metric == "opened" && r.Machine:
		data["prefetched"] = true
	case r.Metric == "bounced" || r.Metric == "failed":
		data["failure_message"] = "made up by the emulator"
	}
	s.webhooks.Report(reporting.Webhook{
		ObjectType: r.Object, Metric: r.Metric, Timestamp: r.At.Unix(), Data: data,
	})
}

// origin adds what a delivery is of.
func origin(data map[string]any, source string) {
	kind, id, _ := strings.Cut(source, ":")
	id, trigger, _ := strings.Cut(id, "/")
	n, err := strconv.Atoi(id)
	switch kind {
	case "campaign", "newsletter", "transactional", "broadcast":
		name := strings.Replace(kind, "transactional", "transactional_message", 1) + "_id"
		if data[name] = n; err != nil { // of one that has a name
			data[name] = id
		}
	}
	if of, err := strconv.Atoi(trigger); err == nil && kind == "broadcast" {
		data["trigger_id"] = of
	}
}

// optional is nil for a text that is not there.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// controlWebhook has a webhook sent that a developer makes up, such as a bounce.
func (s *Server) controlWebhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	var hook reporting.Webhook
	switch {
	case s.webhooks == nil:
		controlError(w, http.StatusConflict, "the emulator was started without --webhook-url")
	case err != nil || json.Unmarshal(body, &hook) != nil || hook.ObjectType == "" || hook.Metric == "":
		controlError(w, http.StatusBadRequest, `want {"object_type":"email","metric":"bounced","data":{…}}`)
	default:
		if hook.Timestamp == 0 {
			hook.Timestamp = time.Now().Unix()
		}
		s.webhooks.Report(hook)
		reply(w, s.webhooks.Stats())
	}
}

// WebhookStats tells what has become of the webhooks so far.
func (s *Server) WebhookStats() reporting.Stats {
	if s.webhooks == nil {
		return reporting.Stats{}
	}
	return s.webhooks.Stats()
}
