package emulator

import (
	"strconv"
	"strings"
)

// readAttributes checks the attributes that identify sets on a person, and takes from them what steers the call.
func (c *call) readAttributes(d *document, i int, field string) {
	if !c.attributeLimits(d, i, field) {
		return
	}
	c.attributes = i
	for m := i + 1; m < int(d.nodes[i].next); m = int(d.nodes[m].next) {
		key := d.key(m)
		name := join(field, key)
		switch key {
		case "id", "email", "phone", "anonymous_id":
			c.identifierAttribute(d, m, identifier{key, d.text(m)}, name)
		case "cio_id":
			// A client's documented way to update somebody repeats the identifier of the path among the attributes.
			if field != "" || c.who.kind != "cio_id" || strings.TrimPrefix(d.text(m), "cio_") != c.who.value {
				c.refuse(reasonInvalid, name, "is set by Customer.io and cannot be changed")
			}
		case "_created_in_customerio_at":
			c.refuse(reasonInvalid, name, "is set by Customer.io and cannot be changed")
		case "cio_relationships":
			if field != "" {
				c.refuse(reasonInvalid, name, "belongs beside the attributes, not among them")
			}
		case "created_at":
			if !erases(d, m) {
				c.unixTime(d, m, name)
			}
		case "_timestamp":
			if ts := c.unixTime(d, m, name); c.timestamp == 0 {
				c.timestamp = ts
			}
		case "_update":
			if d.nodes[m].kind != kindBool {
				c.refuse(reasonInvalid, name, "must be a boolean")
			}
			c.updateOnly = d.raw(m) == "true"
		case "cio_subscription_preferences":
			if d.nodes[m].kind != kindObject && !erases(d, m) {
				c.refuse(reasonInvalid, name, "must be an object")
			}
		default:
			if strings.HasPrefix(key, "cio_subscription_preferences.") && d.nodes[m].kind != kindBool && !erases(d, m) {
				c.refuse(reasonInvalid, name, "must be a boolean")
			}
		}
	}
}

// identifierAttribute checks an identifier that is set as an attribute. Null and the empty string would remove it, which
// Customer.io allows for all but id.
func (c *call) identifierAttribute(d *document, m int, i identifier, name string) {
	if i.kind == "id" && !wholeOrString(d, m) {
		c.refuseAs("id attribute must be a string value", reasonInvalid, name, "must be a string or a number")
		return
	}
	if i.kind == "id" && i.value == "" {
		c.refuseAs("id attribute cannot be an empty string", reasonRequired, name, "cannot be blank")
		return
	}
	if erases(d, m) {
		return
	}
	if i.kind != "id" && d.nodes[m].kind != kindString && !(i.kind == "anonymous_id" && name == i.kind && wholeOrString(d, m)) {
		c.refuse(reasonInvalid, name, "must be a string") // but Track v1 takes a number for an anonymous id
		return
	}
	if message := wrongIdentifier(i); message != "" {
		c.refuse(reasonInvalid, name, message)
	}
}

// attributeLimits checks number, names and sizes, and reports whether node i is an object at all. Reserved names that steer the call
// count too, as the documentation makes no exception.
func (c *call) attributeLimits(d *document, i int, field string) bool {
	if d.nodes[i].kind != kindObject {
		c.refuse(reasonInvalid, field, "must be an object")
		return false
	}
	if d.nodes[i].size > maxAttributes {
		c.refuseAs("cannot identify more than 300 attributes in one request", reasonInvalid, field, "cannot have more than 300 attributes")
	}
	for m := i + 1; m < int(d.nodes[i].next); m = int(d.nodes[m].next) {
		n := &d.nodes[m]
		if n.keyEnd-n.keyStart > maxNameBytes && len(d.key(m)) > maxNameBytes {
			c.refuseAs("attribute name cannot be longer than 150 bytes", reasonInvalid, field, "attribute name cannot be longer than 150 bytes")
		}
		if n.keyEnd == n.keyStart {
			c.refuse(reasonInvalid, field, "attribute name cannot be blank")
		}
		if key := d.key(m); n.end-n.start > maxValueBytes && len(d.text(m)) > maxValueBytes && key != "cio_relationships" {
			c.refuseAs("value for attribute '"+key+"' cannot be longer than 1000 bytes", reasonInvalid, join(field, key),
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

// erases reports whether a value removes the attribute: null or the empty string.
func erases(d *document, i int) bool {
	n := &d.nodes[i]
	return n.kind == kindNull || n.kind == kindString && n.end-n.start == 2
}

// unixTime reads unix seconds. Customer.io would put the time of receipt in the place of anything else; the emulator refuses it.
// Values beyond the year 5138 are milliseconds taken for seconds.
func (c *call) unixTime(d *document, i int, field string) int64 {
	const tooLate = 100_000_000_000
	if k := d.nodes[i].kind; k == kindNumber || k == kindString && field != "timestamp" {
		if v, err := strconv.ParseInt(d.text(i), 10, 64); err == nil && v > 0 && v < tooLate {
			return v
		}
	}
	c.refuse(reasonInvalid, field, "must be a unix timestamp in seconds")
	return 0
}

// readRelationships checks an array of relationships, whose other side is read by read.
func (c *call) readRelationships(d *document, i int, field string, read func(d *document, i int, field string) (identifier, bool)) {
	if d.nodes[i].kind != kindArray {
		c.refuse(reasonInvalid, field, "must be an array")
		return
	}
	c.relationships = i
	k := 0
	for m := i + 1; m < int(d.nodes[i].next); m = int(d.nodes[m].next) {
		name := field + "[" + strconv.Itoa(k) + "]"
		k++
		if d.nodes[m].kind != kindObject {
			c.refuse(reasonInvalid, name, "must be an object")
			continue
		}
		named := false
		for p := m + 1; p < int(d.nodes[m].next); p = int(d.nodes[p].next) {
			switch key := d.key(p); key {
			case "identifiers":
				named = true
				read(d, p, name+".identifiers")
			case "relationship_attributes":
				c.objectAttributes(d, p, name+".relationship_attributes")
			default:
				c.refuse(reasonInvalid, name+"."+key, "is not a field of a relationship")
			}
		}
		if !named {
			c.refuse(reasonRequired, name+".identifiers", "is required")
		}
	}
}

// objectAttributes checks the attributes of an object or a relationship, which have a limit on their sum too.
func (c *call) objectAttributes(d *document, i int, field string) {
	if c.attributeLimits(d, i, field) && d.nodes[i].end-d.nodes[i].start > maxAttributesBytes {
		c.refuse(reasonInvalid, field, "cannot be longer than 100000 bytes in total")
	}
}
