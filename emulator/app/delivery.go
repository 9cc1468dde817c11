package app

import (
	"net/http"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// channels are the names by which deliveries call some channels.
var channels = map[string]string{"sms": "twilio", "inbox_message": "inbox"}

func channelOf(m workspace.Delivery) string {
	if name, other := channels[m.Channel]; other {
		return name
	}
	return m.Channel
}

// delivery is one as the API shows it: of the parents that there can be, only its own is not null.
func delivery(m workspace.Delivery) object {
	out := object{
		"id": m.ID, "deduplicate_id": m.ID + ":" + text(m.At), "customer_id": orNull(m.Person.ID),
		"customer_identifiers": identifiers(m.Person.ID, m.Person.Email, m.Person.CioID), "recipient": m.Recipient,
		"subject": m.Subject, "metrics": m.Metrics, "created": m.At, "failure_message": nil, "type": channelOf(m),
		"campaign_id": nil, "action_id": nil, "newsletter_id": nil, "broadcast_id": nil, "content_id": nil,
		"transactional_message_id": nil, "trigger_id": nil, "forgotten": false,
	}
	kind, id, _ := strings.Cut(m.Source, ":")
	switch kind {
	case "transactional":
		out["transactional_message_id"] = id
	case "newsletter":
		out["newsletter_id"] = number(id)
	case "broadcast":
		broadcast, trigger, _ := strings.Cut(id, "/")
		out["broadcast_id"], out["trigger_id"] = number(broadcast), number(trigger)
	}
	return out
}

// of tells whether a delivery is of a source, or of a part of it, such as a trigger of a broadcast.
func of(m workspace.Delivery, source string) bool {
	return source == "" || m.Source == source || strings.HasPrefix(m.Source, source+"/")
}

// deliveries lists those of a source that the query string asks for, latest first.
func (q *query) deliveries(source, cioID string) ([]workspace.Delivery, exchange.Answer) {
	from, good := q.whole("start_ts", 0)
	to, good2 := q.whole("end_ts", int(q.now.Unix())+1)
	if !good || !good2 {
		return nil, q.fail(http.StatusBadRequest, "start_ts and end_ts must be unix timestamps in seconds")
	}
	const halfAYear = 184 * 24 * 3600
	from = max(from, to-halfAYear)
	var found []workspace.Delivery
	all := q.w.Deliveries()
	for i := len(all) - 1; i >= 0; i-- {
		m := all[i]
		kind, metric := q.values.Get("type"), q.values.Get("metric")
		_, reached := m.Metrics[metric]
		switch {
		case !of(m, source), cioID != "" && m.Person.CioID != cioID, m.At < int64(from), m.At > int64(to),
			kind != "" && kind != channelOf(m), metric != "" && !reached, q.values.Get("drafts") == "true":
			continue
		}
		found = append(found, m)
	}
	return found, exchange.Answer{}
}

func (q *query) messages(source, cioID string) exchange.Answer {
	found, wrong := q.deliveries(source, cioID)
	if wrong.Status != 0 {
		return wrong
	}
	part, next, good := page(q, found, 50, 1000)
	if !good {
		return q.badPage()
	}
	out := []object{}
	for _, m := range part {
		out = append(out, delivery(m))
	}
	return ok(object{"messages": out, "next": next})
}

// listMessages lists the deliveries of the workspace, or those of one campaign or newsletter.
func listMessages(q *query) exchange.Answer {
	source := ""
	for name, kind := range map[string]string{"campaign_id": "campaign:", "newsletter_id": "newsletter:"} {
		if q.values.Has(name) {
			source = kind + q.values.Get(name)
		}
	}
	return q.messages(source, "")
}

func customerMessages(q *query) exchange.Answer {
	p, wrong := q.person()
	if wrong.Status != 0 {
		return wrong
	}
	return q.messages("", p.CioID)
}

func (q *query) delivery() (workspace.Delivery, bool) {
	for _, m := range q.w.Deliveries() {
		if m.ID == q.args[0] {
			return m, true
		}
	}
	return workspace.Delivery{}, false
}

func getMessage(q *query) exchange.Answer {
	m, found := q.delivery()
	if !found {
		return q.missing()
	}
	return ok(object{"message": delivery(m)})
}

// archivedMessage shows what a delivery was made of.
func archivedMessage(q *query) exchange.Answer {
	m, found := q.delivery()
	if !found {
		return q.missing()
	}
	body, err := decode(m.Body)
	if err != nil {
		body = nil // of a trigger without a body
	}
	return ok(object{"archived_message": object{
		"id": m.ID, "recipient": m.Recipient, "subject": m.Subject, "type": channelOf(m), "body": body,
	}})
}
