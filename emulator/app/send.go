package app

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// The documented limits of a transactional message.
const (
	maxMessageBytes    = 1_000_000 // without its attachments
	maxAttachmentBytes = 2_000_000 // of all attachments, as they are before they are encoded
	maxRecipients      = 15
	maxSendBody        = 4_000_000
)

// messageFields are the members that a message of each channel can have, beside commonFields.
var messageFields = map[string][]string{
	"email": {
		"from", "subject", "body", "body_plain", "body_plaintext", "body_amp", "preheader", "reply_to", "cc", "bcc",
		"fake_bcc", "headers", "attachments", "tracked", "disable_css_preprocessing",
	},
	"push": {
		"title", "message", "image_url", "link", "sound", "custom_data", "custom_payload", "custom_device",
	},
	"sms":           {"from", "tracked"},
	"whatsapp":      {"from", "tracked"},
	"in_app":        {},
	"inbox_message": {},
}

var commonFields = []string{
	"identifiers", "transactional_message_id", "message_data", "disable_message_retention", "send_to_unsubscribed",
	"queue_draft", "send_at", "language", "to",
}

// send makes the endpoint of one channel.
func send(channel string) endpoint {
	return endpoint{
		kind: "message", action: "send_" + channel, pace: sendPace, limit: maxSendBody,
		check: func(q *query) { q.checkMessage(channel) },
		serve: func(q *query) exchange.Answer { return q.send(channel) },
	}
}

func (q *query) checkMessage(channel string) {
	m := q.members()
	if m == nil {
		q.refuse("body must be an object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(commonFields, name) && !slices.Contains(messageFields[channel], name) {
			q.refuse("'" + name + "' is not a field of a transactional message of this channel")
		}
	}
	q.recipient(m["identifiers"])
	template := text(m["transactional_message_id"])
	q.c.Name = template
	switch {
	case template != "":
	case channel != "email":
		q.refuse("'transactional_message_id' is required")
	case q.text("from") == "" || q.text("subject") == "" || q.text("body") == "":
		q.refuse("'from', 'subject' and 'body' are required without a 'transactional_message_id'")
	}
	if channel == "email" {
		q.checkEmail(m)
	}
	for _, name := range []string{"message_data", "headers"} {
		if v, given := m[name]; given && v != nil {
			if _, isObject := v.(object); !isObject {
				q.refuse("'" + name + "' must be an object")
			}
		}
	}
	if v, given := m["send_at"]; given {
		if n, isNumber := v.(json.Number); !isNumber || strings.ContainsAny(n.String(), ".eE-") {
			q.refuse("'send_at' must be a unix timestamp in seconds")
		}
	}
	attached := q.attachments(m["attachments"])
	if len(q.raw)-attached > maxMessageBytes {
		q.c.Refuse(tooLarge, "", "message cannot be longer than "+strconv.Itoa(maxMessageBytes)+
			" bytes without its attachments")
	}
}

func (q *query) checkEmail(m object) {
	if q.text("to") == "" {
		q.refuse("'to' is required")
	}
	count := 0
	for _, name := range []string{"to", "cc", "bcc"} {
		if s := q.text(name); s != "" {
			count += 1 + strings.Count(s, ",")
		}
	}
	if count > maxRecipients {
		q.refuse("cannot have more than " + strconv.Itoa(maxRecipients) + " recipients")
	}
}

// recipient reads whom the message is for: exactly one identifier.
func (q *query) recipient(v any) {
	m, _ := v.(object)
	if len(m) != 1 {
		q.refuse("'identifiers' must be exactly one of id, email or cio_id")
		return
	}
	for kind, value := range m {
		who := workspace.Named(kind, text(value))
		if kind != "id" && kind != "email" && kind != "cio_id" {
			q.refuse("'identifiers' must be exactly one of id, email or cio_id")
		} else if wrong := who.Wrong(); wrong != "" {
			q.refuse("'identifiers." + kind + "' " + wrong)
		}
		q.c.Who = who.Canonical()
	}
}

// attachments checks them and tells how many bytes of the body they are.
func (q *query) attachments(v any) (encoded int) {
	if v == nil {
		return 0
	}
	m, isObject := v.(object)
	if !isObject {
		q.refuse("'attachments' must be an object")
		return 0
	}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(m)) {
		content, _ := m[name].(string)
		b, err := base64.StdEncoding.DecodeString(content)
		if err != nil || content == "" {
			q.refuse("attachment '" + name + "' must be base64")
		}
		encoded, size = encoded+len(content), size+len(b)
	}
	if size > maxAttachmentBytes {
		q.c.Refuse(tooLarge, "", "attachments cannot be longer than "+strconv.Itoa(maxAttachmentBytes)+
			" bytes in total")
	}
	return encoded
}

// send records the delivery. A message to somebody who is suppressed is taken, and not delivered.
func (q *query) send(channel string) exchange.Answer {
	m := q.members()
	source := ""
	if q.c.Name != "" {
		source = "transactional:" + q.c.Name
		q.exists("transactional", q.c.Name)
	}
	if _, found := q.w.Person(q.c.Who); !found && q.c.Who.Kind == "cio_id" {
		q.c.Refuse(workspace.Invalid, "", "there is no person with this cio_id")
		return exchange.Meta(http.StatusBadRequest, q.c.Problems[0].Sentence())
	}
	id, ignored := q.w.Send(workspace.Delivery{
		Channel: channel, Source: source, Recipient: text(m["to"]), Subject: text(m["subject"]), Body: q.raw,
	}, q.c.Who, q.now)
	q.c.ID, q.c.Ignored = id, ignored
	return ok(object{"delivery_id": id, "queued_at": q.now.Unix()})
}
