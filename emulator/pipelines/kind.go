package pipelines

import (
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// identify names a person and sets traits. Where neither id is given, the e-mail address among the traits identifies.
func (m message) identify() {
	m.Type, m.Action = "person", "identify"
	m.Attributes = m.object("traits")
	if m.Attributes != jsondoc.None {
		m.traits()
	}
	if m.user.Kind != "" && m.visitor.Kind != "" {
		m.Names = append(m.Names, m.visitor)
	}
	m.somebody()
}

// traits reads those that Customer.io gives a meaning of its own.
func (m *message) traits() {
	m.Reserved = func(key string) bool {
		switch key {
		case "id", "email", "phone", "anonymous_id", "cio_id", "createdAt":
			return true
		}
		return false
	}
	if address := m.textOf(m.Attributes, "email", "traits.email"); address != "" {
		email := m.right(workspace.Named("email", address), "traits.email")
		if m.Who.Kind == "" {
			m.Who = email
		}
	}
	node, ok := m.member(m.Attributes, "createdAt")
	if !ok {
		return
	}
	if at, err := time.Parse(time.RFC3339, m.d.Text(node)); err == nil {
		m.Extra = map[string]string{"created_at": strconv.FormatInt(at.Unix(), 10)}
	} else if m.d.Nodes[node].Kind == jsondoc.Number {
		m.Extra = map[string]string{"created_at": m.d.Raw(node)}
	} else {
		m.Refuse(workspace.Invalid, "traits.createdAt", "must be an ISO 8601 date and time with a zone")
	}
}

// track records an event, or carries out what its name stands for.
func (m message) track() {
	m.Type, m.Action = "person", "event"
	m.Name = strings.TrimSpace(m.text("event"))
	m.Attributes = m.object("properties")
	if m.Name == "" {
		m.Refuse(workspace.Required, "event", "must be a string and cannot be blank")
		return
	}
	if carry, ok := semantic[m.Name]; ok {
		carry(m)
		return
	}
	if m.Who.Kind == "" && m.text("groupId") != "" {
		m.Type, m.Who = "object", m.objectOf(m.text("groupId"), "")
		return
	}
	m.somebody()
}

// view records that somebody saw a page or a screen. A page without a name is known by its URL.
func (m message) view(action string) {
	m.Type, m.Action, m.Name = "person", action, m.text("name")
	m.Attributes = m.object("properties")
	if m.Name == "" && m.Attributes != jsondoc.None {
		m.Name = m.textOf(m.Attributes, "url", "properties.url")
	}
	m.somebody()
}

// group relates a person to an object, and sets the traits of the object.
func (m message) group() {
	m.Type, m.Action = "object", "identify"
	m.somebody()
	m.Other = m.Who
	m.Attributes = m.object("traits")
	id, typ := m.text("groupId"), m.text("objectTypeId")
	if id == "" {
		m.Refuse(workspace.Required, "groupId", "must be a string and cannot be blank")
	}
	if m.Attributes != jsondoc.None {
		if t := m.textOf(m.Attributes, "object_type_id", "traits.object_type_id"); t != "" {
			typ = t
		} else if t := m.textOf(m.Attributes, "objectTypeId", "traits.objectTypeId"); t != "" {
			typ = t
		}
		if r, ok := m.member(m.Attributes, "relationshipAttributes"); ok && m.d.Nodes[r].Kind == jsondoc.Object {
			m.Relation = r
		}
	}
	m.Reserved = func(key string) bool {
		return key == "object_type_id" || key == "objectTypeId" || key == "relationshipAttributes"
	}
	m.Who = m.objectOf(id, typ)
}

// objectOf names an object; without a type it is of the first one.
func (m *message) objectOf(id, typ string) workspace.Identifier {
	if typ == "" {
		typ = "1"
	}
	if n, err := strconv.Atoi(typ); err != nil || n < 1 || strconv.Itoa(n) != typ {
		m.Refuse(workspace.Invalid, "objectTypeId", "must be an integer from 1")
	}
	if wrong := workspace.Named("object_id", id).Wrong(); wrong != "" && id != "" {
		m.Refuse(workspace.Invalid, "groupId", wrong)
	}
	return workspace.Named("object/"+typ, id)
}

// alias merges somebody into the person who is kept. What previousId names may be a visitor or a user.
func (m message) alias() {
	m.Type, m.Action = "person", "merge"
	m.Who, m.Other = m.user, m.previous
	if m.user.Kind == "" {
		m.Refuse(workspace.Required, "userId", "is required")
	}
	if m.previous.Kind == "" {
		m.Refuse(workspace.Required, "previousId", "is required")
		return
	}
	m.Alias = workspace.Named("anonymous_id", m.text("previousId"))
	if m.Who == m.Other {
		m.Refuse(workspace.Invalid, "previousId", "cannot be the same as userId")
	}
}
