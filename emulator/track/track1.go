package track

import (
	"net/http"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// maxOldBodyBytes bounds the requests of Track v1, for which only the parts have documented limits.

// RegionPath is the endpoint that tells in which region a workspace lives; either region has it.
const RegionPath = "/api/v1/accounts/region"

// accountRegion tells where the workspace lives.
func (x request) accountRegion([]string) {
	host := "track.customer.io"
	if x.Region == "eu" {
		host = "track-eu.customer.io"
	}
	x.Answer = exchange.Answer{Status: http.StatusOK, Body: `{"url":"https://` + host + `","region":"` + x.Region +
		`","environment_id":1}` + "\n"}
}

// auth tells that the credentials are right.
func (x request) auth([]string) { x.Answer = exchange.Success }

// take ends the reading of a request that is one call: 400 with the first problem, or the answer of the endpoint.
func (x request) take(c call, ok exchange.Answer) {
	x.Calls = append(x.Calls, *c.Call)
	x.Answer = ok
	if len(c.Problems) > 0 {
		x.Answer = exchange.Meta(http.StatusBadRequest, c.Problems[0].Sentence())
	}
}

// parseObject reads the body as one object without flaws, or refuses the request.
func (x request) parseObject() bool {
	if message := x.Flawless(); message != "" {
		x.Refuse(exchange.Meta(http.StatusBadRequest, message), message)
		return false
	}
	return true
}

// pathPerson reads the identifier in a path, whose kind Customer.io tells by its shape.
func (c call) pathPerson(value string) {
	who := workspace.Named("id", value)
	if id, ok := strings.CutPrefix(value, "cio_"); ok {
		who = workspace.Named("cio_id", id)
	} else if address := workspace.Named("email", value); address.Wrong() == "" {
		who = address // what has an @ and is no address, such as a handle, is an id
	}
	if message := who.Wrong(); message != "" {
		c.Refuse(workspace.Invalid, "identifier", message)
		return
	}
	c.Who = who.Canonical()
}

func bare(action string) func(request, []string) {
	return func(x request, args []string) {
		c := newCall("") // no body is documented, and one that is sent need not be JSON
		c.Type, c.Action = "person", action
		c.pathPerson(args[0])
		x.take(c, exchange.Success)
	}
}

func (x request) oldIdentify(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action = "person", "identify"
	c.pathPerson(args[0])
	c.readAttributes(&x.Document, 0, "")
	if m := x.Document.Member(0, "cio_relationships"); m != none {
		c.oldRelationships(&x.Document, m)
	}
	x.take(c, exchange.Success)
}

// oldRelationships reads {"action":…,"relationships":[…]}.
func (c call) oldRelationships(d *jsondoc.Document, i int) {
	action, list := d.Member(i, "action"), d.Member(i, "relationships")
	if action == none || list == none {
		c.Refuse(workspace.Required, "cio_relationships", "must have action and relationships")
		return
	}
	switch d.Text(action) {
	case "add_relationships":
	case "delete_relationships":
		c.Unrelate = true
	default:
		c.Refuse(workspace.Invalid, "cio_relationships.action",
			"must be one of add_relationships or delete_relationships")
	}
	c.readRelationships(d, list, "cio_relationships.relationships", c.readObject)
}

// oldEvent reads an event of the person in the path, or of nobody who is known yet.
func (x request) oldEvent(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action = "person", "event"
	d := &x.Document
	name := none
	for m := range d.Children(0) {
		switch key := d.Key(m); key {
		case "name":
			name = m
		case "type":
			c.Action = d.Text(m)
			if c.Action != "event" && c.Action != "page" && c.Action != "screen" {
				c.Refuse(workspace.Invalid, "type", oneOf("event", "page", "screen"))
			}
		case "id":
			c.eventID(d, m)
		case "timestamp":
			c.Timestamp = c.unixTime(d, m, key)
		case "data":
			c.eventData(d, m)
		case "anonymous_id":
			c.Other = workspace.Named(key, d.Text(m))
			if message := c.Other.Wrong(); message != "" || !wholeOrString(d, m) {
				c.Refuse(workspace.Invalid, key, strings.TrimSpace("must be a string or a number "+message))
			}
		default:
			c.Refuse(workspace.Invalid, key, "is not a field of an event")
		}
	}
	if name == none {
		c.RefuseAs("event name must not be blank", workspace.Required, "name", "is required")
	} else {
		c.eventName(d, name) // what it may be depends on the type
	}
	switch {
	case len(args) == 1:
		c.pathPerson(args[0])
	case c.Other.Kind != "":
		c.Who = c.Other
	case c.Attributes == none || d.Member(c.Attributes, "recipient") == none:
		c.Refuse(workspace.Required, "data.recipient", "is required for an event without anonymous_id")
	}
	c.Other = workspace.Identifier{}
	x.take(c, exchange.Success)
}

func (c call) eventData(d *jsondoc.Document, m int) {
	if d.Nodes[m].Kind == jsondoc.Null {
		return // as clients write data that was not given
	}
	if d.Nodes[m].Kind != jsondoc.Object {
		c.RefuseAs("event data must be a hash", workspace.Invalid, "data", "must be an object")
		return
	}
	c.Attributes = m
	if len(d.Raw(m)) > maxEventDataBytes {
		c.RefuseAs("event data cannot be longer than 100000 bytes", workspace.Invalid, "data",
			"cannot be longer than 100000 bytes")
	}
}

func (x request) oldAddDevice(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action = "person", "add_device"
	c.pathPerson(args[0])
	if m := x.Document.Member(0, "device"); m != none {
		c.readDevice(&x.Document, m, "id", true)
	} else {
		c.Refuse(workspace.Required, "device", "is required")
	}
	x.take(c, exchange.Success)
}

func (x request) oldDeleteDevice(args []string) {
	c := newCall("")
	c.Type, c.Action, c.Name = "person", "delete_device", args[1]
	c.pathPerson(args[0])
	x.take(c, exchange.Success)
}

func (x request) oldMerge([]string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action = "person", "merge"
	primary, secondary := x.Document.Member(0, "primary"), x.Document.Member(0, "secondary")
	if primary == none || secondary == none {
		c.Refuse(workspace.Required, "", "primary and secondary are required")
	} else {
		c.Who, _ = c.readMergeSide(&x.Document, primary, "primary")
		c.Other, _ = c.readMergeSide(&x.Document, secondary, "secondary")
		c.mergeSides()
	}
	x.take(c, exchange.Success)
}
