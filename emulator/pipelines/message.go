package pipelines

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// message is one message that is being read into a call.
type message struct {
	*workspace.Call
	d        *jsondoc.Document
	node     int
	user     workspace.Identifier // whom userId names
	visitor  workspace.Identifier // whom anonymousId names
	previous workspace.Identifier
}

// read reads the message at node i. The kind is that of the path; empty in a batch, whose messages have a type each.
func read(d *jsondoc.Document, i int, kind string) workspace.Call {
	c := workspace.NewCall(d.Raw(i))
	m := message{Call: &c, d: d, node: i}
	if d.Nodes[i].Kind != jsondoc.Object {
		m.Refuse(workspace.Invalid, "message", "must be an object")
		return c
	}
	if len(c.Raw) > maxMessageBytes {
		m.Refuse(workspace.Invalid, "message", "cannot be longer than "+strconv.Itoa(maxMessageBytes)+" bytes")
		return c
	}
	given := m.text("type")
	switch {
	case kind == "" && !slices.Contains(kinds, given):
		m.Refuse(workspace.Invalid, "type", "must be one of "+strings.Join(kinds, ", "))
		return c
	case kind == "":
		kind = given
	case given != "" && given != kind:
		m.Refuse(workspace.Invalid, "type", "must be "+kind+" on this path")
	}
	m.common()
	reads[kind](m)
	return c
}

var reads = map[string]func(message){
	"identify": message.identify,
	"track":    message.track,
	"page":     func(m message) { m.view("page") },
	"screen":   func(m message) { m.view("screen") },
	"group":    message.group,
	"alias":    message.alias,
}

// common reads what messages of all kinds have.
func (m *message) common() {
	m.user, m.visitor = m.person("userId"), m.anonymous("anonymousId")
	m.previous = m.person("previousId")
	m.Who = m.user
	if m.Who.Kind == "" {
		m.Who = m.visitor
	}
	for _, name := range []string{"context", "integrations", "traits", "properties"} {
		m.object(name)
	}
	for _, name := range []string{"timestamp", "originalTimestamp", "sentAt"} {
		if at := m.time(name); name == "timestamp" {
			m.Timestamp = at
		}
	}
	if id := m.text("messageId"); id != "" {
		sum := sha256.Sum256([]byte(id))
		m.ID, m.Seen = id, ulid.ULID(sum[:16])
	}
}

// member gives the node of a member that is there and is not null.
func (m *message) member(i int, name string) (node int, ok bool) {
	node = m.d.Member(i, name)
	return node, node != jsondoc.None && m.d.Nodes[node].Kind != jsondoc.Null
}

// text gives a member that is text, or a whole number in the place of an id; it refuses any other value.
func (m *message) text(name string) string { return m.textOf(m.node, name, name) }

func (m *message) textOf(i int, name, field string) string {
	node, ok := m.member(i, name)
	if !ok {
		return ""
	}
	switch kind := m.d.Nodes[node].Kind; {
	case kind == jsondoc.String, kind == jsondoc.Number && !strings.ContainsAny(m.d.Raw(node), ".eE"):
		return m.d.Text(node)
	}
	m.Refuse(workspace.Invalid, field, "must be a string")
	return ""
}

func (m *message) object(name string) int {
	node, ok := m.member(m.node, name)
	if !ok {
		return jsondoc.None
	}
	if m.d.Nodes[node].Kind != jsondoc.Object {
		m.Refuse(workspace.Invalid, name, "must be an object")
		return jsondoc.None
	}
	return node
}

// time reads an ISO 8601 time as unix seconds.
func (m *message) time(name string) int64 {
	node, ok := m.member(m.node, name)
	if !ok {
		return 0
	}
	at, err := time.Parse(time.RFC3339, m.d.Text(node))
	if m.d.Nodes[node].Kind != jsondoc.String || err != nil {
		m.Refuse(workspace.Invalid, name, "must be an ISO 8601 date and time with a zone")
		return 0
	}
	return at.Unix()
}

// person reads who a user id names: Customer.io's own id by its prefix, an address by its shape, or else an id.
func (m *message) person(name string) workspace.Identifier {
	value := m.text(name)
	if value == "" {
		return workspace.Identifier{}
	}
	who := workspace.Named("id", value)
	if id, ok := strings.CutPrefix(value, "cio_"); ok {
		who = workspace.Named("cio_id", id)
	} else if address := workspace.Named("email", value); address.Wrong() == "" {
		who = address
	}
	return m.right(who, name)
}

func (m *message) anonymous(name string) workspace.Identifier {
	value := m.text(name)
	if value == "" {
		return workspace.Identifier{}
	}
	return m.right(workspace.Named("anonymous_id", value), name)
}

func (m *message) right(who workspace.Identifier, field string) workspace.Identifier {
	if wrong := who.Wrong(); wrong != "" {
		m.Refuse(workspace.Invalid, field, wrong)
		return workspace.Identifier{}
	}
	return who.Canonical()
}

// somebody refuses a message that names neither a user nor a visitor.
func (m *message) somebody() {
	if m.Who.Kind == "" && len(m.Problems) == 0 {
		m.Refuse(workspace.Required, "userId", "or anonymousId is required")
	}
}
