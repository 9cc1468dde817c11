package workspace

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Delivery is one message to one person. The emulator sends nothing: what it holds is what it was asked to send.
type Delivery struct {
	ID      string `json:"id"`
	Channel string `json:"channel"` // email, push, sms, whatsapp, in_app or inbox_message
	// which transactional message, broadcast or newsletter it is of, such as transactional:3; empty for one that was
	// sent without a template
	Source    string           `json:"source,omitempty"`
	To        string           `json:"to,omitempty"` // the person as the request names them, such as id:7
	Person    Ref              `json:"-"`            // as the person is known now
	Recipient string           `json:"recipient,omitempty"`
	Subject   string           `json:"subject,omitempty"`
	At        int64            `json:"at"`      // unix seconds
	Metrics   map[string]int64 `json:"metrics"` // when each came about
	Clicks    []Click          `json:"clicks,omitempty"`
	Draft     bool             `json:"draft,omitempty"` // it waits until somebody sends it in the user interface
	Body      string           `json:"-"`               // of the request
}

// Click is one click of a link in a delivery.
type Click struct {
	Href    string `json:"href"`
	At      int64  `json:"at"`
	Machine bool   `json:"machine,omitempty"` // such as a scanner of mail
}

type delivery struct {
	Delivery
	owner *person
	sent  time.Time

	foreseen bool       // the course was made
	course   []reaction // what has yet to become of it, in its order
}

// keptDeliveries is how many deliveries are kept.
const keptDeliveries = 100_000

// Send records that a message was sent, and gives it an id. Whom it names comes to be, where that is possible; the
// message is undeliverable to those who are suppressed. It says why nothing was sent, or the empty string.
func (w *Workspace) Send(m Delivery, who Identifier, at time.Time) (id, ignored string) {
	w.delivered++
	m.ID, m.At, m.To = fmt.Sprintf("dl%08d", w.delivered), at.Unix(), who.String()
	m.Metrics = map[string]int64{"created": m.At}
	p, ignored := (*person)(nil), ""
	if who.Kind != "" {
		p, ignored = w.ensure(who)
	}
	metric := "sent"
	switch {
	case ignored != "":
		metric, p = "undeliverable", w.people[who]
	case m.Draft:
		metric = "drafted"
	}
	m.Metrics[metric] = m.At
	if metric == "sent" {
		m.Metrics["attempted"] = m.At
	}
	if m.Recipient == "" && p != nil && m.Channel == "email" {
		m.Recipient = p.named("email")
	}
	if len(w.deliveries) >= keptDeliveries {
		delete(w.byDelivery, w.deliveries[0].ID)
		w.deliveries = w.deliveries[1:]
	}
	kept := &delivery{Delivery: m, owner: p, sent: at}
	w.deliveries = append(w.deliveries, kept)
	w.byDelivery[m.ID] = kept
	w.report(kept, metric, at, false)
	w.nextReaction = time.Time{}
	return m.ID, ignored
}

// Sent tells how many deliveries there have been, those among them that are no longer kept.
func (w *Workspace) Sent() int { return w.delivered }

// Deliveries lists what was sent, oldest first.
func (w *Workspace) Deliveries() []Delivery {
	out := make([]Delivery, 0, len(w.deliveries))
	for _, kept := range w.deliveries {
		m := kept.Delivery
		m.Metrics, m.Clicks = maps.Clone(m.Metrics), slices.Clone(m.Clicks)
		if p := kept.owner.now(); p != nil {
			m.Person = p.ref()
		}
		out = append(out, m)
	}
	return out
}

// applyDelivery records what is reported of a delivery. Nothing happens to one that the emulator did not make: it may
// be one of the real service.
func (w *Workspace) applyDelivery(c *Call, at time.Time) string {
	kept := w.byDelivery[c.Who.Value]
	if kept == nil {
		return ""
	}
	metric := c.Name
	if c.Action == "unsubscribe" {
		metric = "unsubscribed"
		w.unsubscribe(kept, at)
	}
	when := at
	if c.Timestamp != 0 {
		when = time.Unix(c.Timestamp, 0)
	}
	w.reach(kept, metric, c.Href, false, when)
	return ""
}

func (w *Workspace) unsubscribe(m *delivery, at time.Time) {
	if p := m.owner.now(); p != nil && !p.gone {
		p.attributes["unsubscribed"] = "true"
		w.reportConsent(p, true, at)
	}
}

// whose are the metrics that tell who opened or clicked: a human, or a machine that looks at mail.
var whose = map[string][2]string{
	"opened": {"human_opened", "prefetch_opened"}, "clicked": {"human_clicked", "machine_clicked"},
}

// reach notes that a delivery reached a metric.
func (w *Workspace) reach(m *delivery, metric, href string, machine bool, at time.Time) {
	m.Metrics[metric] = at.Unix()
	if names, told := whose[metric]; told && machine {
		m.Metrics[names[1]] = at.Unix()
	} else if told {
		m.Metrics[names[0]] = at.Unix()
	}
	if href != "" {
		m.Clicks = append(m.Clicks, Click{href, at.Unix(), machine})
	}
	w.report(m, metric, at, machine)
}

// channels are the names by which activities call some channels.
var channels = map[string]string{"sms": "twilio", "inbox_message": "inbox"}

// Report is what Customer.io tells of a delivery, or of whether a person wants any.
type Report struct {
	Object, Metric string
	At             time.Time
	Person         Ref
	Delivery       *Delivery // nil where it is about the person alone
	Href           string    // of a click
	Machine        bool      // nobody opened or clicked it, but a machine
}

func (w *Workspace) report(m *delivery, metric string, at time.Time, machine bool) {
	channel, ok := channels[m.Channel]
	if !ok {
		channel = m.Channel
	}
	w.log(activity{owner: m.owner, Activity: Activity{
		Type: metric + "_" + channel, DeliveryID: m.ID, DeliveryType: channel,
	}}, at)
	if w.tell == nil {
		return
	}
	r := Report{Object: m.Channel, Metric: metric, At: at, Delivery: &m.Delivery, Machine: machine}
	if m.Channel == "inbox_message" {
		r.Object = "in_app"
	}
	if p := m.owner.now(); p != nil {
		r.Person = p.ref()
	}
	if metric == "clicked" && len(m.Clicks) > 0 {
		r.Href = m.Clicks[len(m.Clicks)-1].Href
	}
	w.tell(r)
}

// reportConsent tells that a person wants messages no longer, or again.
func (w *Workspace) reportConsent(p *person, unsubscribed bool, at time.Time) {
	if w.tell == nil || p == nil {
		return
	}
	metric := "subscribed"
	if unsubscribed {
		metric = "unsubscribed"
	}
	w.tell(Report{Object: "customer", Metric: metric, At: at, Person: p.ref()})
}
