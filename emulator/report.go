package emulator

import (
	"net/http"
	"slices"
	"strings"
)

// form reads a form that a person has filled in, which identifies the person.
func (x *exchange) form(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action, c.name = "person", "identify", args[0]
	d := &x.document
	data := d.member(0, "data")
	if data == none || d.nodes[data].kind != kindObject {
		c.refuse(reasonRequired, "data", "must be an object")
	} else {
		c.formFields(d, data)
	}
	x.take(c, answer{status: http.StatusNoContent})
}

func (c *call) formFields(d *document, data int) {
	for m := data + 1; m < int(d.nodes[data].next); m = int(d.nodes[m].next) {
		key := d.key(m)
		if d.nodes[m].kind != kindString {
			c.refuse(reasonInvalid, "data."+key, "must be a string")
			continue
		}
		switch key {
		case "id", "email":
			if c.who.kind != "" {
				c.refuse(reasonInvalid, "data", "must have exactly one of id or email")
			}
			c.who = identifier{key, d.text(m)}.canonical()
			if message := wrongIdentifier(c.who); message != "" {
				c.refuse(reasonInvalid, "data."+key, message)
			}
		case "form_id", "form_name", "form_type", "form_url", "form_url_param":
			c.refuse(reasonInvalid, "data."+key, "is reserved and would be ignored")
		}
	}
	if c.who.kind == "" {
		c.refuse(reasonRequired, "data", "must have exactly one of id or email")
	}
	c.readAttributes(d, data, "data")
}

var (
	metrics     = []string{"bounced", "clicked", "converted", "deferred", "delivered", "dropped", "opened", "spammed"}
	pushMetrics = []string{"converted", "delivered", "opened"}
)

func (x *exchange) metric([]string) {
	x.report("metric", metrics, "recipient", "reason", "href")
}

func (x *exchange) pushEvent([]string) {
	x.report("event", pushMetrics, "device_id")
}

// report reads what became of a delivery; the metric stands in the member key.
func (x *exchange) report(key string, allowed []string, also ...string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action = "delivery", "event"
	d := &x.document
	for m := 1; m < int(d.nodes[0].next); m = int(d.nodes[m].next) {
		switch k := d.key(m); {
		case k == "delivery_id" && d.nodes[m].kind == kindString:
			c.who = identifier{"delivery", d.text(m)}
		case k == key:
			c.name = d.text(m)
		case k == "timestamp":
			c.timestamp = c.unixTime(d, m, k)
		case !slices.Contains(also, k):
			c.refuse(reasonInvalid, k, "is not a field of a metric")
		}
	}
	if strings.TrimSpace(c.who.value) == "" {
		c.refuse(reasonRequired, "delivery_id", "must be a string and cannot be blank")
	}
	if !slices.Contains(allowed, c.name) {
		c.refuse(choice(c.name), key, oneOf(slices.Clone(allowed)...))
	}
	x.take(c, success)
}

func (x *exchange) unsubscribe(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action, c.who = "delivery", "unsubscribe", identifier{"delivery", args[0]}
	if m := x.document.member(0, "unsubscribe"); m == none || x.document.nodes[m].kind != kindBool {
		c.refuse(reasonRequired, "unsubscribe", "must be a boolean")
	}
	x.take(c, success)
}
