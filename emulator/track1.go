package emulator

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxOldBodyBytes bounds the requests of Track v1, for which only the parts have documented limits.
const maxOldBodyBytes = 1_000_000

const regionPath = "/api/v1/accounts/region"

// open reports whether an endpoint wants no credentials.
func open(path string) bool {
	return path == "/api/v1/metrics" || path == "/api/v1/push/events" || strings.HasPrefix(path, "/unsubscribe/")
}

// oldRoutes are the endpoints of Track v1. A star stands for one segment of the path, which the function gets decoded.
var oldRoutes []oldRoute

type oldRoute struct {
	method  string
	pattern []string
	read    func(x *exchange, args []string)
}

func init() {
	for _, r := range []struct {
		method, pattern string
		read            func(x *exchange, args []string)
	}{
		{"GET", "api/v1/accounts/region", (*exchange).accountRegion},
		{"PUT", "api/v1/customers/*", (*exchange).oldIdentify},
		{"DELETE", "api/v1/customers/*", bare("delete")},
		{"POST", "api/v1/customers/*/suppress", bare("suppress")},
		{"POST", "api/v1/customers/*/unsuppress", bare("unsuppress")},
		{"POST", "api/v1/customers/*/events", (*exchange).oldEvent},
		{"PUT", "api/v1/customers/*/devices", (*exchange).oldAddDevice},
		{"DELETE", "api/v1/customers/*/devices/*", (*exchange).oldDeleteDevice},
		{"POST", "api/v1/events", (*exchange).oldEvent},
		{"POST", "api/v1/merge_customers", (*exchange).oldMerge},
		{"POST", "api/v1/segments/*/*", (*exchange).segment},
		{"POST", "api/v1/forms/*/submit", (*exchange).form},
		{"POST", "api/v1/metrics", (*exchange).metric},
		{"POST", "api/v1/push/events", (*exchange).pushEvent},
		{"POST", "unsubscribe/*", (*exchange).unsubscribe},
	} {
		oldRoutes = append(oldRoutes, oldRoute{r.method, strings.Split(r.pattern, "/"), r.read})
	}
}

// old reads a request of Track v1.
func (x *exchange) old() {
	known := false
	for _, r := range oldRoutes {
		args, ok := r.match(x.segments)
		known = known || ok
		if ok && r.method == x.method {
			r.read(x, args)
			return
		}
	}
	if known {
		x.refuse(oldProblem(http.StatusMethodNotAllowed, "method not allowed"), "method not allowed")
		return
	}
	x.refuse(oldProblem(http.StatusNotFound, "not found"), "no such path")
}

func (r oldRoute) match(segments []string) (args []string, ok bool) {
	if len(segments) != len(r.pattern) {
		return nil, false
	}
	for i, p := range r.pattern {
		switch {
		case p == "*":
			args = append(args, segments[i])
		case p != segments[i]:
			return nil, false
		}
	}
	return args, true
}

// accountRegion tells where the workspace lives.
func (x *exchange) accountRegion([]string) {
	host := "track.customer.io"
	if x.region == "eu" {
		host = "track-eu.customer.io"
	}
	x.answer = answer{status: http.StatusOK, body: `{"url":"https://` + host + `","region":"` + x.region + `","environment_id":1}` + "\n"}
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
	if err := d.parse(x.body); err != nil {
		message = "body must be valid JSON: " + err.Error()
	} else if d.nodes[0].kind != kindObject {
		message = "body must be an object"
	} else if len(d.flaws) > 0 {
		message = "body " + d.flaws[0].message
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
	if m := x.document.member(0, "cio_relationships"); m != none {
		c.oldRelationships(&x.document, m)
	}
	x.take(c, success)
}

// oldRelationships reads {"action":…,"relationships":[…]}.
func (c *call) oldRelationships(d *document, i int) {
	action, list := d.member(i, "action"), d.member(i, "relationships")
	if action == none || list == none {
		c.refuse(reasonRequired, "cio_relationships", "must have action and relationships")
		return
	}
	switch d.text(action) {
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
	named := false
	for m := 1; m < int(d.nodes[0].next); m = int(d.nodes[m].next) {
		switch key := d.key(m); key {
		case "name":
			named = true
			c.eventName(d, m)
		case "type":
			c.action = d.text(m)
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
			c.other = identifier{key, d.text(m)}
			if message := wrongIdentifier(c.other); message != "" || d.nodes[m].kind != kindString {
				c.refuse(reasonInvalid, key, strings.TrimSpace("must be a string "+message))
			}
		default:
			c.refuse(reasonInvalid, key, "is not a field of an event")
		}
	}
	if !named {
		c.refuseAs("event name must not be blank", reasonRequired, "name", "is required")
	}
	switch {
	case len(args) == 1:
		c.pathPerson(args[0])
	case c.other.kind != "":
		c.who = c.other
	case c.attributes == none || d.member(c.attributes, "recipient") == none:
		c.refuse(reasonRequired, "data.recipient", "is required for an event without anonymous_id")
	}
	c.other = identifier{}
	x.take(c, success)
}

func (c *call) eventData(d *document, m int) {
	if d.nodes[m].kind != kindObject {
		c.refuseAs("event data must be a hash", reasonInvalid, "data", "must be an object")
		return
	}
	c.attributes = m
	if len(d.raw(m)) > maxEventDataBytes {
		c.refuseAs("event data cannot be longer than 100000 bytes", reasonInvalid, "data", "cannot be longer than 100000 bytes")
	}
}

func (x *exchange) oldAddDevice(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action = "person", "add_device"
	c.pathPerson(args[0])
	if m := x.document.member(0, "device"); m != none {
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
	primary, secondary := x.document.member(0, "primary"), x.document.member(0, "secondary")
	if primary == none || secondary == none {
		c.refuse(reasonRequired, "", "primary and secondary are required")
	} else {
		c.who, _ = c.readMergeSide(&x.document, primary, "primary")
		c.other, _ = c.readMergeSide(&x.document, secondary, "secondary")
		c.mergeSides()
	}
	x.take(c, success)
}

// segment reads the people to add to a manual segment or to take from it. Entries that are not of the kind asked for are ignored, as
// documented.
func (x *exchange) segment(args []string) {
	if args[1] != "add_customers" && args[1] != "remove_customers" {
		x.refuse(oldProblem(http.StatusNotFound, "not found"), "no such path")
		return
	}
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action, c.name, c.who = "segment", args[1], args[0], identifier{"segment", args[0]}
	if id, err := strconv.ParseInt(args[0], 10, 32); err != nil || id < 1 {
		c.refuse(reasonInvalid, "segment_id", "must be a positive 32-bit integer")
	}
	c.segmentPeople(&x.document, x.query)
	x.take(c, success)
}

func (c *call) segmentPeople(d *document, query url.Values) {
	kind := "id"
	if query.Has("id_type") {
		kind = query.Get("id_type")
	}
	if kind != "id" && kind != "email" && kind != "cio_id" {
		c.refuse(reasonInvalid, "id_type", oneOf("id", "email", "cio_id"))
	}
	list := d.member(0, "ids")
	if list == none || d.nodes[list].kind != kindArray || d.nodes[list].size == 0 {
		c.refuse(reasonRequired, "ids", "must be an array with 1 to 1000 strings")
		return
	}
	if d.nodes[list].size > maxSegmentIDs {
		c.refuse(reasonInvalid, "ids", "cannot have more than 1000 entries")
	}
	for m := list + 1; m < int(d.nodes[list].next); m = int(d.nodes[m].next) {
		if d.nodes[m].kind != kindString {
			c.refuse(reasonInvalid, "ids", "must be strings")
			return
		}
		if id := (identifier{kind, d.text(m)}); wrongIdentifier(id) == "" {
			c.ids = append(c.ids, id.canonical())
		}
	}
}
