package app

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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
	"queue_draft", "send_at", "language", "to", "auto_create",
}

// phone is a number in E.164 form.
var phone = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// truths are the members that are true or false.
var truths = []string{
	"disable_message_retention", "send_to_unsubscribed", "queue_draft", "auto_create", "tracked", "fake_bcc",
	"disable_css_preprocessing",
}

// farthest is how far in the future a message can be sent.
const farthest = 90 * 24 * time.Hour

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
	switch channel {
	case "email":
		q.checkEmail(m)
	case "sms", "whatsapp":
		if to := q.text("to"); to != "" && !strings.Contains(to, "{{") && !phone.MatchString(to) {
			q.refuse("Invalid phone number format. Phone numbers must be in E.164 format.")
		}
	}
	q.checkTypes(m)
	attached := q.attachments(m["attachments"])
	if len(q.raw)-attached > maxMessageBytes {
		q.c.Refuse(tooLarge, "", "message cannot be longer than "+strconv.Itoa(maxMessageBytes)+
			" bytes without its attachments")
	}
}

// checkTypes looks at what members are, whatever the channel.
func (q *query) checkTypes(m object) {
	for _, name := range []string{"message_data", "custom_data", "custom_payload"} {
		if v, given := m[name]; given && v != nil {
			if _, isObject := v.(object); !isObject {
				q.refuse("'" + name + "' must be an object")
			}
		}
	}
	for _, name := range truths {
		if v, given := m[name]; given && v != nil && v != true && v != false {
			q.refuse("'" + name + "' must be a boolean")
		}
	}
	if v := m["send_at"]; v != nil {
		if n, isNumber := v.(json.Number); !isNumber || strings.ContainsAny(n.String(), ".eE-") {
			q.refuse("'send_at' must be a unix timestamp in seconds")
		}
	}
	if v := m["headers"]; v != nil && !isHeaders(v) {
		q.refuse("'headers' must be an object of strings, or a JSON string with a list of names and values")
	}
	if device, given := m["custom_device"]; given && device != nil {
		d, _ := device.(object)
		if text(d["token"]) == "" || d["platform"] != "ios" && d["platform"] != "android" {
			q.refuse("'custom_device' must have a token and a platform, ios or android")
		}
	}
}

// isHeaders takes headers as the examples of the documentation have them, and as its text says.
func isHeaders(v any) bool {
	if written, isText := v.(string); isText {
		var list []struct{ Name, Value string }
		return json.Unmarshal([]byte(written), &list) == nil
	}
	m, isObject := v.(object)
	for _, value := range m {
		if _, isText := value.(string); !isText {
			return false
		}
	}
	return isObject
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
	answer := object{"queued_at": q.now.Unix()}
	if at, err := strconv.ParseInt(text(m["send_at"]), 10, 64); err == nil && at > q.now.Unix() {
		if time.Unix(at, 0).Sub(q.now) > farthest {
			q.c.Refuse(workspace.Invalid, "", "'send_at' cannot be more than 90 days in the future")
			return exchange.Meta(http.StatusBadRequest, q.c.Problems[0].Sentence())
		}
		answer["send_at"] = at
	}
	id, ignored := q.w.Send(workspace.Delivery{
		Channel: channel, Source: source, Recipient: text(m["to"]), Subject: text(m["subject"]), Body: q.raw,
		Draft: m["queue_draft"] == true,
	}, q.c.Who, q.now)
	q.c.ID, q.c.Ignored, answer["delivery_id"] = id, ignored, id
	return ok(answer)
}
