package emulator

import (
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

const identifierChoice = "must be exactly one of id, email, phone or cio_id"

// readPerson reads the identifiers of a person at node i, which the error messages call field. Only events, pages and
// screens may name a person by anonymous_id.
func (c *call) readPerson(d *jsondoc.Document, i int, field string, anonymous bool) (identifier, bool) {
	if d.Nodes[i].Kind != jsondoc.Object {
		c.refuse(reasonInvalid, field, "must be an object")
		return identifier{}, false
	}
	if d.Nodes[i].Size == 0 {
		c.refuse(reasonRequired, field, identifierChoice)
		return identifier{}, false
	}
	if d.Nodes[i].Size > 1 {
		c.refuseAs("cannot have multiple identifiers in "+field, reasonInvalid, field, identifierChoice)
		return identifier{}, false
	}
	m := i + 1
	who := identifier{kind: d.Key(m)}
	name := field + "." + who.kind
	switch who.kind {
	case "id", "email", "phone", "cio_id":
	case "anonymous_id":
		if anonymous {
			break
		}
		c.refuse(reasonInvalid, name, "identifies the person of an event, page or screen only")
		return identifier{}, false
	default:
		c.refuse(reasonInvalid, name, "is not an identifier; "+identifierChoice)
		return identifier{}, false
	}
	if !wholeOrString(d, m) {
		c.refuse(reasonInvalid, name, "must be a string or a number")
		return identifier{}, false
	}
	who.value = d.Text(m)
	if message := wrongIdentifier(who); message != "" {
		c.refuse(choice(who.value), name, message)
		return identifier{}, false
	}
	return who.canonical(), true
}

// canonical gives the form in which identifiers are compared: e-mail addresses without case.
func (i identifier) canonical() identifier {
	if i.kind == "email" {
		i.value = strings.ToLower(i.value)
	}
	return i
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

// wrongIdentifier says what is wrong with an identifier, or nothing.
func wrongIdentifier(i identifier) string {
	switch {
	case strings.TrimSpace(i.value) == "":
		return "cannot be blank"
	case strings.ContainsFunc(i.value, control):
		return "cannot contain control characters"
	}
	switch i.kind {
	case "id", "anonymous_id", "object_id":
		if len(i.value) > maxIDBytes {
			return "cannot be longer than 150 bytes"
		}
	case "email":
		if !emailShaped(i.value) {
			return "'" + i.value + "' is not a valid email address"
		}
	case "phone":
		if !e164(i.value) {
			return "'" + i.value + "' is not a phone number in E.164 format"
		}
	case "cio_id":
		if strings.HasPrefix(i.value, "cio_") {
			return "must not have the prefix cio_"
		}
		if !alphanumeric(i.value) {
			return "must be letters and digits"
		}
	}
	return ""
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }

// emailShaped is a coarse test: one @ with something on both sides, no spaces, and the lengths of RFC 5321.
func emailShaped(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(local) <= 64 && len(s) <= 254 &&
		!strings.ContainsAny(s, " \t<>,;") &&
		!strings.Contains(domain, "@") && !strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
}

func e164(s string) bool {
	if len(s) < 2 || len(s) > 16 || s[0] != '+' {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func alphanumeric(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			return false
		}
	}
	return true
}

// readObject reads the identifiers of an object: its type and id, or the id that Customer.io gave it.
func (c *call) readObject(d *jsondoc.Document, i int, field string) (identifier, bool) {
	if d.Nodes[i].Kind != jsondoc.Object {
		c.refuse(reasonInvalid, field, "must be an object")
		return identifier{}, false
	}
	var typ, id, cio string
	for m := range d.Children(i) {
		key := d.Key(m)
		if d.Nodes[m].Kind != jsondoc.String {
			c.refuse(reasonInvalid, field+"."+key, "must be a string")
			return identifier{}, false
		}
		switch key {
		case "object_type_id":
			typ = d.Text(m)
		case "object_id":
			id = d.Text(m)
		case "cio_object_id":
			cio = d.Text(m)
		default:
			c.refuse(reasonInvalid, field+"."+key, "is not an identifier of an object")
			return identifier{}, false
		}
	}
	if cio != "" && typ == "" && id == "" {
		return identifier{"cio_object_id", cio}, true
	}
	if cio != "" || typ == "" || id == "" {
		c.refuse(reasonRequired, field, "must be object_type_id and object_id, or cio_object_id")
		return identifier{}, false
	}
	if typ[0] == '0' || !digitsOnly(typ) {
		c.refuse(reasonInvalid, field+".object_type_id", "must be an integer from 1, as a string")
		return identifier{}, false
	}
	if message := wrongIdentifier(identifier{"object_id", id}); message != "" {
		c.refuse(reasonInvalid, field+".object_id", message)
		return identifier{}, false
	}
	return identifier{"object/" + typ, id}, true
}

func digitsOnly(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
