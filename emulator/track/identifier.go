package track

import (
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

const identifierChoice = "must be exactly one of id, email, phone or cio_id"

// readPerson reads the identifiers of a person at node i, which the error messages call field. Only events, pages and
// screens may name a person by anonymous_id.
func (c call) readPerson(d *jsondoc.Document, i int, field string, anonymous bool) (workspace.Identifier, bool) {
	if d.Nodes[i].Kind != jsondoc.Object {
		c.Refuse(workspace.Invalid, field, "must be an object")
		return workspace.Identifier{}, false
	}
	if d.Nodes[i].Size == 0 {
		c.Refuse(workspace.Required, field, identifierChoice)
		return workspace.Identifier{}, false
	}
	if d.Nodes[i].Size > 1 {
		c.RefuseAs("cannot have multiple identifiers in "+field, workspace.Invalid, field, identifierChoice)
		return workspace.Identifier{}, false
	}
	m := i + 1
	who := workspace.Identifier{Kind: d.Key(m)}
	name := field + "." + who.Kind
	switch who.Kind {
	case "id", "email", "phone", "cio_id":
	case "anonymous_id":
		if anonymous {
			break
		}
		c.Refuse(workspace.Invalid, name, "identifies the person of an event, page or screen only")
		return workspace.Identifier{}, false
	default:
		c.Refuse(workspace.Invalid, name, "is not an identifier; "+identifierChoice)
		return workspace.Identifier{}, false
	}
	if !wholeOrString(d, m) {
		c.Refuse(workspace.Invalid, name, "must be a string or a number")
		return workspace.Identifier{}, false
	}
	who.Value = d.Text(m)
	if message := who.Wrong(); message != "" {
		c.Refuse(choice(who.Value), name, message)
		return workspace.Identifier{}, false
	}
	return who.Canonical(), true
}

// wholeOrString reports whether a value can be an identifier. Customer.io takes numbers; the emulator takes only
// those that have one spelling.
func wholeOrString(d *jsondoc.Document, i int) bool {
	switch d.Nodes[i].Kind {
	case jsondoc.String:
		return true
	case jsondoc.Number:
		return !strings.ContainsAny(d.Raw(i), ".eE")
	default:
		return false
	}
}

// readObject reads the identifiers of an object: its type and id, or the id that Customer.io gave it.
func (c call) readObject(d *jsondoc.Document, i int, field string) (workspace.Identifier, bool) {
	if d.Nodes[i].Kind != jsondoc.Object {
		c.Refuse(workspace.Invalid, field, "must be an object")
		return workspace.Identifier{}, false
	}
	var typ, id, cio string
	for m := range d.Children(i) {
		key := d.Key(m)
		if d.Nodes[m].Kind != jsondoc.String {
			c.Refuse(workspace.Invalid, field+"."+key, "must be a string")
			return workspace.Identifier{}, false
		}
		switch key {
		case "object_type_id":
			typ = d.Text(m)
		case "object_id":
			id = d.Text(m)
		case "cio_object_id":
			cio = d.Text(m)
		default:
			c.Refuse(workspace.Invalid, field+"."+key, "is not an identifier of an object")
			return workspace.Identifier{}, false
		}
	}
	if cio != "" && typ == "" && id == "" {
		return workspace.Named("cio_object_id", cio), true
	}
	if cio != "" || typ == "" || id == "" {
		c.Refuse(workspace.Required, field, "must be object_type_id and object_id, or cio_object_id")
		return workspace.Identifier{}, false
	}
	if typ[0] == '0' || !digitsOnly(typ) {
		c.Refuse(workspace.Invalid, field+".object_type_id", "must be an integer from 1, as a string")
		return workspace.Identifier{}, false
	}
	if message := workspace.Named("object_id", id).Wrong(); message != "" {
		c.Refuse(workspace.Invalid, field+".object_id", message)
		return workspace.Identifier{}, false
	}
	return workspace.Named("object/"+typ, id), true
}

func digitsOnly(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
