package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// eventSource is the source of the events, whatever the workspace.
const eventSource = "https://customer.io"

const (
	maxToken  = 64              // of the words for object and metric in a type and in a subject
	maxID     = 200             // of the id, which stands in a header; Customer.io's have 26 characters
	maxPerson = 256             // of the person, who stands in the key; Customer.io's ids have 150 characters at most
	maxTime   = 253_402_300_799 // the last second that a time in JSON can tell
)

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
	n := notice{object: "webhook", metric: "unreadable", body: body}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		n.id = digestOf(body)
		return n
	}
	n.data = bytes.TrimSpace(body)
	if !utf8.Valid(n.data) { // JSON may not hold such bytes, and consumers would refuse all of it
		n.data = bytes.ToValidUTF8(n.data, []byte("\uFFFD"))
	}
	if n.id = text(fields["event_id"]); !fitsHeader(n.id) {
		n.id = digestOf(body)
	}
	object := text(fields["object_type"])
	if object == "" {
		object = text(fields["object_type_type"]) // so it is spelled for preferences that have changed
	}
	n.object, n.metric = token(object), token(text(fields["metric"]))
	if seconds, err := strconv.ParseInt(string(fields["timestamp"]), 10, 64); err == nil && seconds > 0 &&
		seconds <= maxTime {
		n.at = time.Unix(seconds, 0)
	}
	var data struct {
		Identifiers map[string]json.RawMessage `json:"identifiers"`
		CustomerID  json.RawMessage            `json:"customer_id"`
	}
	_ = json.Unmarshal(fields["data"], &data) // of another shape it names nobody
	for _, id := range []json.RawMessage{data.Identifiers["cio_id"], data.Identifiers["id"], data.CustomerID} {
		if person := text(id); person != "" && len(person) <= maxPerson {
			n.person = person
			break
		}
	}
	return n
}

// digestOf is the id of a webhook that has none.
func digestOf(body []byte) string {
	digest := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(digest[:])
}

// fitsHeader reports whether an id comes back from a header as it was. Others give way to the digest of the body.
func fitsHeader(id string) bool {
	return id != "" && len(id) <= maxID && strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
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

// event is the notice as it is published, with one of its contents.
func (n *notice) event(workspace string, content any) *cloudevent.Event {
	return &cloudevent.Event{
		ID: n.id, Source: eventSource, Type: "io.customer." + n.object + "." + n.metric, Subject: n.person, Time: n.at,
		Workspace: workspace, Data: content,
	}
}

// contents make what may be published of the notice, each smaller than the one before, for a bus that takes no large
// events: as it came, without the content of the message, and without all of its data.
func (n *notice) contents() []func() any {
	if n.data == nil {
		begin := func(size int) func() any { return func() any { return n.body[:min(len(n.body), size)] } }
		return []func() any{begin(maxEvent / 2), begin(1 << 10)}
	}
	smaller := []func() any{n.shortened, func() any { return n.bare("data") }}
	if len(n.data) > maxEvent {
		return smaller
	}
	return append([]func() any{func() any { return n.data }}, smaller...)
}

// shortened is the content without what is large.
func (n *notice) shortened() any {
	var fields, data map[string]json.RawMessage
	_ = json.Unmarshal(n.data, &fields)
	_ = json.Unmarshal(fields["data"], &data)
	size := 0
	for name, value := range data {
		if slices.Contains(large, name) {
			delete(data, name)
			continue
		}
		size += len(name) + len(value)
	}
	if size > maxEvent {
		return n.bare("data")
	}
	short := n.bare(large...)
	short["data"] = data
	return short
}

// bare is the content without its data, and a word for what is left out.
func (n *notice) bare(omitted ...string) map[string]any {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(n.data, &fields)
	short := map[string]any{"omitted": omitted}
	for _, name := range []string{"event_id", "object_type", "object_type_type", "metric", "timestamp"} {
		if value, ok := fields[name]; ok && len(value) <= maxID {
			short[name] = value
		}
	}
	return short
}
