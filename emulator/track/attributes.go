package track

import (
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// readAttributes checks the attributes that identify sets on a person, and takes from them what steers the call.
func (c call) readAttributes(d *jsondoc.Document, i int, field string) {
	if !c.attributeLimits(d, i, field) {
		return
	}
	c.Attributes = i
	for m := range d.Children(i) {
		key := d.Key(m)
		name := join(field, key)
		switch key {
		case "id", "email", "phone", "anonymous_id":
			c.identifierAttribute(d, m, workspace.Named(key, d.Text(m)), name)
		case "cio_id":
			// A client's documented way to update somebody repeats the identifier of the path among the attributes.
			if field != "" || c.Who.Kind != "cio_id" || strings.TrimPrefix(d.Text(m), "cio_") != c.Who.Value {
				c.Refuse(workspace.Invalid, name, "is set by Customer.io and cannot be changed")
			}
		case "_created_in_customerio_at":
			c.Refuse(workspace.Invalid, name, "is set by Customer.io and cannot be changed")
		case "cio_relationships":
			if field != "" {
				c.Refuse(workspace.Invalid, name, "belongs beside the attributes, not among them")
			}
		case "created_at":
			if !workspace.Erases(d, m) {
				c.unixTime(d, m, name)
			}
		case "_timestamp":
			if ts := c.unixTime(d, m, name); c.Timestamp == 0 {
				c.Timestamp = ts
			}
		case "_update":
			if d.Nodes[m].Kind != jsondoc.Bool {
				c.Refuse(workspace.Invalid, name, "must be a boolean")
			}
			c.UpdateOnly = d.Raw(m) == "true"
		case "cio_subscription_preferences":
			if d.Nodes[m].Kind != jsondoc.Object && !workspace.Erases(d, m) {
				c.Refuse(workspace.Invalid, name, "must be an object")
			}
			c.topics(d, m, name)
		default:
			if strings.HasPrefix(key, "cio_subscription_preferences.") && d.Nodes[m].Kind != jsondoc.Bool &&
				!workspace.Erases(d, m) {
				c.Refuse(workspace.Invalid, name, "must be a boolean")
			}
		}
	}
}

// topics checks the subscription topics at node i, which are groups of names with booleans.
func (c call) topics(d *jsondoc.Document, i int, field string) {
	for group := range d.Children(i) {
		for m := range d.Children(group) {
			if k := d.Nodes[m].Kind; k != jsondoc.Bool && k != jsondoc.Null {
				c.Refuse(workspace.Invalid, join(join(field, d.Key(group)), d.Key(m)), "must be a boolean")
			}
		}
	}
}

// identifierAttribute checks an identifier that is set as an attribute. Null and the empty string would remove it,
// which Customer.io allows for all but id.
func (c call) identifierAttribute(d *jsondoc.Document, m int, i workspace.Identifier, name string) {
	if i.Kind == "id" && !wholeOrString(d, m) {
		c.RefuseAs("id attribute must be a string value", workspace.Invalid, name, "must be a string or a number")
		return
	}
	if i.Kind == "id" && i.Value == "" {
		c.RefuseAs("id attribute cannot be an empty string", workspace.Required, name, "cannot be blank")
		return
	}
	if workspace.Erases(d, m) {
		return
	}
	if i.Kind != "id" && d.Nodes[m].Kind != jsondoc.String &&
		!(i.Kind == "anonymous_id" && name == i.Kind && wholeOrString(d, m)) {
		c.Refuse(workspace.Invalid, name, "must be a string") // but Track v1 takes a number for an anonymous id
		return
	}
	if message := i.Wrong(); message != "" {
		c.Refuse(workspace.Invalid, name, message)
	}
}

// attributeLimits checks number, names and sizes, and reports whether node i is an object at all. Reserved names that
// steer the call count too, as the documentation makes no exception.
func (c call) attributeLimits(d *jsondoc.Document, i int, field string) bool {
	if d.Nodes[i].Kind != jsondoc.Object {
		c.Refuse(workspace.Invalid, field, "must be an object")
		return false
	}
	if d.Nodes[i].Size > workspace.MaxAttributes {
		c.RefuseAs("cannot identify more than 300 attributes in one request", workspace.Invalid, field,
			"cannot have more than 300 attributes")
	}
	for m := range d.Children(i) {
		n := &d.Nodes[m]
		if len(d.Key(m)) > maxNameBytes {
			c.RefuseAs("attribute name cannot be longer than 150 bytes", workspace.Invalid, field,
				"attribute name cannot be longer than 150 bytes")
		}
		if d.Key(m) == "" {
			c.Refuse(workspace.Invalid, field, "attribute name cannot be blank")
		}
		if key := d.Key(m); n.End-n.Start > maxValueBytes && len(d.Text(m)) > maxValueBytes &&
			key != "cio_relationships" {
			c.RefuseAs("value for attribute '"+key+"' cannot be longer than 1000 bytes", workspace.Invalid,
				join(field, key),
				"property value cannot be longer than 1000 bytes")
		}
	}
	return true
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

// unixTime reads unix seconds. Customer.io would put the time of receipt in the place of anything else; the emulator
// refuses it. Values beyond the year 5138 are milliseconds taken for seconds.
func (c call) unixTime(d *jsondoc.Document, i int, field string) int64 {
	const tooLate = 100_000_000_000
	if k := d.Nodes[i].Kind; k == jsondoc.Number || k == jsondoc.String && field != "timestamp" {
		if v, err := strconv.ParseInt(d.Text(i), 10, 64); err == nil && v > 0 && v < tooLate {
			return v
		}
	}
	c.Refuse(workspace.Invalid, field, "must be a unix timestamp in seconds")
	return 0
}

// readRelationships checks an array of relationships, whose other side is read by read.
func (c call) readRelationships(d *jsondoc.Document, i int, field string,
	read func(d *jsondoc.Document, i int, field string) (workspace.Identifier, bool)) {
	if d.Nodes[i].Kind != jsondoc.Array {
		c.Refuse(workspace.Invalid, field, "must be an array")
		return
	}
	c.Relationships = i
	k := 0
	for m := range d.Children(i) {
		name := field + "[" + strconv.Itoa(k) + "]"
		k++
		if d.Nodes[m].Kind != jsondoc.Object {
			c.Refuse(workspace.Invalid, name, "must be an object")
			continue
		}
		named := false
		for p := range d.Children(m) {
			switch key := d.Key(p); key {
			case "identifiers":
				named = true
				read(d, p, name+".identifiers")
			case "relationship_attributes":
				c.objectAttributes(d, p, name+".relationship_attributes")
			default:
				c.Refuse(workspace.Invalid, name+"."+key, "is not a field of a relationship")
			}
		}
		if !named {
			c.Refuse(workspace.Required, name+".identifiers", "is required")
		}
	}
}

// objectAttributes checks the attributes of an object or a relationship, which have a limit on their sum too.
func (c call) objectAttributes(d *jsondoc.Document, i int, field string) {
	if c.attributeLimits(d, i, field) && d.Nodes[i].End-d.Nodes[i].Start > maxAttributesBytes {
		c.Refuse(workspace.Invalid, field, "cannot be longer than 100000 bytes in total")
	}
}
