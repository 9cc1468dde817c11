package emulator

import (
	"net/http"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// maxOldBodyBytes bounds the requests of Track v1, for which only the parts have documented limits.
const maxOldBodyBytes = 1_000_000

const regionPath = "/api/v1/accounts/region"

// accountRegion tells where the workspace lives.
func (x *exchange) accountRegion([]string) {
	host := "track.customer.io"
	if x.region == "eu" {
		host = "track-eu.customer.io"
	}
	x.answer = answer{status: http.StatusOK, body: `{"url":"https://` + host + `","region":"` + x.region +
		`","environment_id":1}` + "\n"}
}

// take ends the reading of a request that is one call: 400 with the first problem, or the answer of the endpoint.
func (x *exchange) take(c call, ok answer) {
	x.calls = append(x.calls, c)
	x.answer = ok
	if len(c.problems) > 0 {
		x.answer = oldProblem(http.StatusBadRequest, c.problems[0].sentence())
	}
}

// parseObject reads the body as one object without flaws, or refuses the request.
func (x *exchange) parseObject() bool {
	message := ""
	d := &x.document
	if err := d.Read(x.body); err != nil {
		message = "body must be valid JSON: " + err.Error()
	} else if d.Nodes[0].Kind != jsondoc.Object {
		message = "body must be an object"
	} else if len(d.Flaws) > 0 {
		message = "body " + d.Flaws[0].Message
	}
	if message != "" {
		x.refuse(oldProblem(http.StatusBadRequest, message), message)
		return false
	}
	return true
}

// pathPerson reads the identifier in a path, whose kind Customer.io tells by its shape.
func (c *call) pathPerson(value string) {
	who := identifier{"id", value}
	if id, ok := strings.CutPrefix(value, "cio_"); ok {
		who = identifier{"cio_id", id}
	} else if strings.Contains(value, "@") {
		who.kind = "email"
	}
	if message := wrongIdentifier(who); message != "" {
		c.refuse(reasonInvalid, "identifier", message)
		return
	}
	c.who = who.canonical()
}

func bare(action string) func(*exchange, []string) {
	return func(x *exchange, args []string) {
		c := newCall("") // no body is documented, and one that is sent need not be JSON
		c.typ, c.action = "person", action
		c.pathPerson(args[0])
		x.take(c, success)
	}
}

func (x *exchange) oldIdentify(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action = "person", "identify"
	c.pathPerson(args[0])
	c.readAttributes(&x.document, 0, "")
	if m := x.document.Member(0, "cio_relationships"); m != none {
		c.oldRelationships(&x.document, m)
	}
	x.take(c, success)
}

// oldRelationships reads {"action":…,"relationships":[…]}.
func (c *call) oldRelationships(d *jsondoc.Document, i int) {
	action, list := d.Member(i, "action"), d.Member(i, "relationships")
	if action == none || list == none {
		c.refuse(reasonRequired, "cio_relationships", "must have action and relationships")
		return
	}
	switch d.Text(action) {
	case "add_relationships":
	case "delete_relationships":
		c.unrelate = true
	default:
		c.refuse(reasonInvalid, "cio_relationships.action", "must be one of add_relationships or delete_relationships")
	}
	c.readRelationships(d, list, "cio_relationships.relationships", c.readObject)
}

// oldEvent reads an event of the person in the path, or of nobody who is known yet.
func (x *exchange) oldEvent(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action = "person", "event"
	d := &x.document
	name := none
	for m := range d.Children(0) {
		switch key := d.Key(m); key {
		case "name":
			name = m
		case "type":
			c.action = d.Text(m)
			if c.action != "event" && c.action != "page" && c.action != "screen" {
				c.refuse(reasonInvalid, "type", oneOf("event", "page", "screen"))
			}
		case "id":
			c.eventID(d, m)
		case "timestamp":
			c.timestamp = c.unixTime(d, m, key)
		case "data":
			c.eventData(d, m)
		case "anonymous_id":
			c.other = identifier{key, d.Text(m)}
			if message := wrongIdentifier(c.other); message != "" || !wholeOrString(d, m) {
				c.refuse(reasonInvalid, key, strings.TrimSpace("must be a string or a number "+message))
			}
		default:
			c.refuse(reasonInvalid, key, "is not a field of an event")
		}
	}
	if name == none {
		c.refuseAs("event name must not be blank", reasonRequired, "name", "is required")
	} else {
		c.eventName(d, name) // what it may be depends on the type
	}
	switch {
	case len(args) == 1:
		c.pathPerson(args[0])
	case c.other.kind != "":
		c.who = c.other
	case c.attributes == none || d.Member(c.attributes, "recipient") == none:
		c.refuse(reasonRequired, "data.recipient", "is required for an event without anonymous_id")
	}
	c.other = identifier{}
	x.take(c, success)
}

func (c *call) eventData(d *jsondoc.Document, m int) {
	if d.Nodes[m].Kind == jsondoc.Null {
		return // as clients write data that was not given
	}
	if d.Nodes[m].Kind != jsondoc.Object {
		c.refuseAs("event data must be a hash", reasonInvalid, "data", "must be an object")
		return
	}
	c.attributes = m
	if len(d.Raw(m)) > maxEventDataBytes {
		c.refuseAs("event data cannot be longer than 100000 bytes", reasonInvalid, "data",
			"cannot be longer than 100000 bytes")
	}
}

func (x *exchange) oldAddDevice(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action = "person", "add_device"
	c.pathPerson(args[0])
	if m := x.document.Member(0, "device"); m != none {
		c.readDevice(&x.document, m, "id", true)
	} else {
		c.refuse(reasonRequired, "device", "is required")
	}
	x.take(c, success)
}

func (x *exchange) oldDeleteDevice(args []string) {
	c := newCall("")
	c.typ, c.action, c.name = "person", "delete_device", args[1]
	c.pathPerson(args[0])
	x.take(c, success)
}

func (x *exchange) oldMerge([]string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action = "person", "merge"
	primary, secondary := x.document.Member(0, "primary"), x.document.Member(0, "secondary")
	if primary == none || secondary == none {
		c.refuse(reasonRequired, "", "primary and secondary are required")
	} else {
		c.who, _ = c.readMergeSide(&x.document, primary, "primary")
		c.other, _ = c.readMergeSide(&x.document, secondary, "secondary")
		c.mergeSides()
	}
	x.take(c, success)
}
