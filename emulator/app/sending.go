package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// Sending is a campaign, a newsletter, a broadcast or a transactional message that sends, as it does in the real
// service when the user interface has started it. The emulator runs none by itself.
type Sending struct {
	// Source is what sends, such as campaign:7 or newsletter:3; campaign:7/2 is its action 2.
	Source  string `json:"source"`
	Channel string `json:"channel"` // email if empty
	Subject string `json:"subject"`
	// To are those who get it, each as kind:value, such as id:7 or email:a@example.com; empty means everybody.
	To []string `json:"to"`
	// At is when it was sent in unix seconds; 0 means now.
	At int64 `json:"at"`
}

// kinds are what can send, and how the App API calls them.
var kinds = map[string]string{
	"campaign": "campaigns", "broadcast": "broadcasts", "newsletter": newsletters, "transactional": "transactional",
}

// sendingChannels are those of deliveries.
var sendingChannels = []string{
	"email", "push", "sms", "whatsapp", "in_app", "inbox_message", "webhook", "slack",
}

// Validate reports everything that is wrong.
func (s Sending) Validate() error {
	var errs []error
	kind, id, _ := strings.Cut(s.Source, ":")
	id, _, _ = strings.Cut(id, "/")
	if n, err := strconv.Atoi(id); kinds[kind] == "" || err != nil || n < 1 {
		errs = append(errs, errors.New(
			"source: want campaign:, broadcast:, newsletter: or transactional: and a number from 1"))
	}
	if s.Channel != "" && !slices.Contains(sendingChannels, s.Channel) {
		errs = append(errs, fmt.Errorf("channel: want one of %s", strings.Join(sendingChannels, ", ")))
	}
	for _, who := range s.To {
		if kind, value, ok := strings.Cut(who, ":"); !ok || value == "" || !slices.Contains(
			[]string{"id", "email", "cio_id", "phone"}, kind) {
			errs = append(errs, fmt.Errorf("to: %q is not id:, email:, cio_id: or phone: and a value", who))
		}
	}
	if s.At < 0 {
		errs = append(errs, errors.New("at: must be unix seconds"))
	}
	return errors.Join(errs...)
}

// Send carries out a valid Sending, and tells how many deliveries there were.
func Send(w *workspace.Workspace, s Sending, now time.Time) (deliveries int) {
	kind, id, _ := strings.Cut(s.Source, ":")
	id, _, _ = strings.Cut(id, "/")
	q := &query{w: w, now: now}
	if _, is := q.exists(kinds[kind], id); !is && kind == "newsletter" {
		w.Records(newsletters).Put(id, q.newsletter("newsletter "+id))
	}
	if s.At != 0 {
		now = time.Unix(s.At, 0)
	}
	if r, is := w.Records(kinds[kind]).Get(id); is && kind == "newsletter" && r["sent_at"] == nil {
		r["sent_at"] = now.Unix()
	}
	var people []workspace.Identifier
	for _, who := range s.To {
		kind, value, _ := strings.Cut(who, ":")
		people = append(people, workspace.Named(kind, value).Canonical())
	}
	if len(s.To) == 0 {
		for _, p := range w.Known() {
			people = append(people, workspace.Named("cio_id", p.CioID))
		}
	}
	m := workspace.Delivery{Channel: s.Channel, Source: s.Source, Subject: s.Subject}
	if m.Channel == "" {
		m.Channel = "email"
	}
	for _, who := range people {
		w.Send(m, who, now)
	}
	return len(people)
}
