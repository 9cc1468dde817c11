package workspace

import (
	"cmp"
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"time"
)

// A reaction is what becomes of a delivery after a part of the time in which people react.
type reaction struct {
	metric  string
	after   float64
	machine bool
	href    string
}

// A tendency is how often deliveries of some channels come to a metric, and in which part of the time.
type tendency struct {
	metric      string
	channels    []string
	share       float64
	from, until float64
	needs       string // a metric that came before; empty where there is none
	unless      string
	machine     bool
	href        string
}

var (
	mail     = []string{"email"}
	carried  = []string{"email", "push", "sms", "whatsapp"}
	readable = []string{"email", "push", "whatsapp", "in_app", "inbox_message"}
)

// tendencies are made up. Later ones are after earlier ones.
var tendencies = []tendency{
	{metric: "deferred", channels: mail, share: 0.03, from: 0.001, until: 0.01},
	{metric: "bounced", channels: carried, share: 0.05, from: 0.01, until: 0.03},
	{metric: "delivered", channels: carried, share: 1, from: 0.01, until: 0.03, unless: "bounced"},
	{metric: "2xx", channels: []string{"webhook"}, share: 0.9, from: 0.001, until: 0.01},
	{metric: "5xx", channels: []string{"webhook"}, share: 1, from: 0.001, until: 0.01, unless: "2xx"},
	{metric: "failed", channels: []string{"webhook"}, share: 1, from: 0.01, until: 0.02, needs: "5xx"},
	{metric: "opened", channels: mail, share: 0.25, from: 0.03, until: 0.05, needs: "delivered", machine: true},
	{metric: "clicked", channels: mail, share: 0.06, from: 0.03, until: 0.05, needs: "delivered", machine: true,
		href: "https://shop.example.com/sale"},
	{metric: "opened", channels: readable, share: 0.5, from: 0.05, until: 0.8, unless: "bounced"},
	{metric: "clicked", channels: readable, share: 0.4, from: 0.8, until: 0.9, needs: "opened",
		href: "https://shop.example.com/sale"},
	{metric: "clicked", channels: readable, share: 0.2, from: 0.9, until: 0.95, needs: "clicked",
		href: "https://shop.example.com/news"},
	{metric: "replied", channels: []string{"sms", "whatsapp"}, share: 0.1, from: 0.1, until: 0.9, needs: "delivered"},
	{metric: "converted", channels: readable, share: 0.3, from: 0.95, until: 1, needs: "clicked"},
	{metric: "topic_unsubscribed", channels: mail, share: 0.02, from: 0.9, until: 1, needs: "opened"},
	{metric: "unsubscribed", channels: mail, share: 0.03, from: 0.9, until: 1, needs: "opened"},
	{metric: "spammed", channels: mail, share: 0.01, from: 0.9, until: 1, needs: "opened"},
}

// foresee makes the course of a delivery, which depends on its id alone.
func foresee(m *Delivery) (course []reaction) {
	random := rand.New(rand.NewChaCha8(sha256.Sum256([]byte("reactions to " + m.ID))))
	reached := map[string]bool{}
	for _, t := range tendencies {
		happens, when := random.Float64() < t.share, t.from+random.Float64()*(t.until-t.from)
		if !happens || !slices.Contains(t.channels, m.Channel) || t.needs != "" && !reached[t.needs] ||
			reached[t.unless] {
			continue
		}
		reached[t.metric] = true
		course = append(course, reaction{t.metric, when, t.machine, t.href})
	}
	slices.SortStableFunc(course, func(a, b reaction) int { return cmp.Compare(a.after, b.after) })
	return course
}

// ReactWithin has people react within that time to what was sent to them, and is sent from now on: messages bounce or
// are delivered, opened, clicked and more. With 0 nobody reacts any more. How somebody reacts to a delivery depends on
// its id alone. What is due happens when React is called.
func (w *Workspace) ReactWithin(d time.Duration) { w.within, w.nextReaction = d, time.Time{} }

// Reacting tells within which time people react; 0 if they do not.
func (w *Workspace) Reacting() time.Duration { return w.within }

// React lets everything happen that is due, in its order.
func (w *Workspace) React(now time.Time) {
	if w.within <= 0 || now.Before(w.nextReaction) {
		return
	}
	w.nextReaction = now.Add(w.within) // nothing that is sent later is due earlier than it is sent
	type happening struct {
		m *delivery
		reaction
		at time.Time
	}
	var due []happening
	for _, m := range w.deliveries {
		if _, sent := m.Metrics["sent"]; sent && !m.foreseen {
			m.foreseen, m.course = true, foresee(&m.Delivery)
		}
		for len(m.course) > 0 {
			at := m.sent.Add(time.Duration(m.course[0].after * float64(w.within)))
			if at.After(now) {
				if at.Before(w.nextReaction) {
					w.nextReaction = at
				}
				break
			}
			due = append(due, happening{m, m.course[0], at})
			m.course = m.course[1:]
		}
	}
	slices.SortStableFunc(due, func(a, b happening) int { return a.at.Compare(b.at) })
	for _, h := range due {
		if h.metric == "unsubscribed" {
			w.unsubscribe(h.m, h.at)
		}
		w.reach(h.m, h.metric, h.href, h.machine, h.at)
	}
}
