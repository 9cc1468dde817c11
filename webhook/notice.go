package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// eventSource is the source of the events, before the name of the workspace.
const eventSource = "https://customer.io"

// maxToken bounds the words for object and metric in a type and in a subject.
const maxToken = 64

// A notice is what a webhook tells.
type notice struct {
	id             string
	object, metric string // as words of a type
	at             time.Time
	person         string          // by which events of one person are put together; empty where nobody is named
	data           json.RawMessage // nil where the body is no JSON object
	body           []byte
}

// read takes a body to pieces. It never fails: what it does not know stays as it is, and a body that it cannot read is
// a notice without data.
func read(body []byte) notice {
	digest := sha256.Sum256(body)
	n := notice{id: "sha256:" + hex.EncodeToString(digest[:]), object: "webhook", metric: "unreadable", body: body}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return n
	}
	n.data = bytes.TrimSpace(body)
	if id := text(fields["event_id"]); id != "" {
		n.id = id
	}
	object := text(fields["object_type"])
	if object == "" {
		object = text(fields["object_type_type"]) // so it is spelled for preferences that have changed
	}
	n.object, n.metric = token(object), token(text(fields["metric"]))
	if seconds, err := strconv.ParseInt(string(fields["timestamp"]), 10, 64); err == nil {
		n.at = time.Unix(seconds, 0)
	}
	var data struct {
		Identifiers map[string]json.RawMessage `json:"identifiers"`
		CustomerID  json.RawMessage            `json:"customer_id"`
	}
	_ = json.Unmarshal(fields["data"], &data) // of another shape it names nobody
	for _, id := range []json.RawMessage{data.Identifiers["cio_id"], data.Identifiers["id"], data.CustomerID} {
		if n.person = text(id); n.person != "" {
			break
		}
	}
	return n
}

// text is a JSON string, or the digits of a number; empty for all else.
func text(raw json.RawMessage) string {
	var s string
	var number json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		return s
	case json.Unmarshal(raw, &number) == nil:
		return number.String()
	}
	return ""
}

// token makes a word that may stand in a type and in a NATS subject.
func token(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return '_'
	}, s)
	if s == "" {
		return "unknown"
	}
	return s[:min(len(s), maxToken)]
}

// large are the members of data that hold what was sent to the person, without which an event is small.
var large = []string{"content", "headers"}

// event is the notice as it is published. What is larger than the bus takes is published without the content of the
// message, and with a word for that; in the worst case without all of its data.
func (n *notice) event(workspace string) *cloudevent.Event {
	e := &cloudevent.Event{
		ID: n.id, Source: eventSource, Type: "io.customer." + n.object + "." + n.metric, Subject: n.person, Time: n.at,
		Workspace: workspace, Data: n.data,
	}
	if n.data == nil {
		e.Data = n.body[:min(len(n.body), maxEvent/2)]
		return e
	}
	if len(n.data) > maxEvent {
		e.Data = n.shortened()
	}
	return e
}

// shortened is the content without what is large.
func (n *notice) shortened() any {
	var fields, data map[string]json.RawMessage
	_ = json.Unmarshal(n.data, &fields)
	_ = json.Unmarshal(fields["data"], &data)
	for _, name := range large {
		delete(data, name)
	}
	short := map[string]any{"omitted": large}
	for _, name := range []string{"event_id", "object_type", "object_type_type", "metric", "timestamp"} {
		if value, ok := fields[name]; ok && len(value) <= 1<<10 {
			short[name] = value
		}
	}
	size := 0
	for _, value := range data {
		size += len(value)
	}
	if size > maxEvent {
		short["omitted"] = []string{"data"}
		return short
	}
	short["data"] = data
	return short
}
