package emulator

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// form reads a form that a person has filled in, which identifies the person.
func (x *exchange) form(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action, c.name = "person", "identify", args[0]
	d := &x.document
	data := d.Member(0, "data")
	if data == none || d.Nodes[data].Kind != jsondoc.Object {
		c.refuse(reasonRequired, "data", "must be an object")
	} else {
		c.formFields(d, data)
	}
	x.take(c, answer{status: http.StatusNoContent})
}

func (c *call) formFields(d *jsondoc.Document, data int) {
	for m := range d.Children(data) {
		key := d.Key(m)
		if d.Nodes[m].Kind != jsondoc.String {
			c.refuse(reasonInvalid, "data."+key, "must be a string")
			continue
		}
		switch key {
		case "id", "email":
			if c.who.kind != "" {
				c.refuse(reasonInvalid, "data", "must have exactly one of id or email")
			}
			c.who = identifier{key, d.Text(m)}.canonical()
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
	for m := range d.Children(0) {
		switch k := d.Key(m); {
		case k == "delivery_id" && d.Nodes[m].Kind == jsondoc.String:
			c.who = identifier{"delivery", d.Text(m)}
		case k == key:
			c.name = d.Text(m)
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
	if m := x.document.Member(0, "unsubscribe"); m == none || x.document.Nodes[m].Kind != jsondoc.Bool {
		c.refuse(reasonRequired, "unsubscribe", "must be a boolean")
	}
	x.take(c, success)
}
