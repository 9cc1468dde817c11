package track

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// form reads a form that a person has filled in, which identifies the person.
func (x request) form(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action, c.Name = "person", "identify", args[0]
	d := &x.Document
	data := d.Member(0, "data")
	if data == none || d.Nodes[data].Kind != jsondoc.Object {
		c.Refuse(workspace.Required, "data", "must be an object")
	} else {
		c.formFields(d, data)
	}
	x.take(c, exchange.Answer{Status: http.StatusNoContent})
}

func (c call) formFields(d *jsondoc.Document, data int) {
	for m := range d.Children(data) {
		key := d.Key(m)
		if d.Nodes[m].Kind != jsondoc.String && !(key == "id" && wholeOrString(d, m)) { // as in the documents' example
			c.Refuse(workspace.Invalid, "data."+key, "must be a string")
			continue
		}
		switch key {
		case "id", "email":
			if c.Who.Kind != "" {
				c.Refuse(workspace.Invalid, "data", "must have exactly one of id or email")
			}
			c.Who = workspace.Named(key, d.Text(m)).Canonical()
			if message := c.Who.Wrong(); message != "" {
				c.Refuse(workspace.Invalid, "data."+key, message)
			}
		case "form_id", "form_name", "form_type", "form_url", "form_url_param":
			c.Refuse(workspace.Invalid, "data."+key, "is reserved and would be ignored")
		}
	}
	if c.Who.Kind == "" {
		c.Refuse(workspace.Required, "data", "must have exactly one of id or email")
	}
	c.readAttributes(d, data, "data")
}

var (
	metrics     = []string{"bounced", "clicked", "converted", "deferred", "delivered", "dropped", "opened", "spammed"}
	pushMetrics = []string{"converted", "delivered", "opened"}
)

func (x request) metric([]string) {
	x.report("metric", metrics, "recipient", "reason", "href")
}

func (x request) pushEvent([]string) {
	x.report("event", pushMetrics, "device_id")
}

// report reads what became of a delivery; the metric stands in the member key.
func (x request) report(key string, allowed []string, also ...string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action = "delivery", "event"
	d := &x.Document
	for m := range d.Children(0) {
		switch k := d.Key(m); {
		case k == "delivery_id" && d.Nodes[m].Kind == jsondoc.String:
			c.Who = workspace.Named("delivery", d.Text(m))
		case k == key:
			c.Name = d.Text(m)
		case k == "timestamp":
			c.Timestamp = c.unixTime(d, m, k)
		case k == "href" && slices.Contains(also, k):
			c.Href = d.Text(m)
		case !slices.Contains(also, k):
			c.Refuse(workspace.Invalid, k, "is not a field of a metric")
		}
	}
	if strings.TrimSpace(c.Who.Value) == "" {
		c.Refuse(workspace.Required, "delivery_id", "must be a string and cannot be blank")
	}
	if !slices.Contains(allowed, c.Name) {
		c.Refuse(choice(c.Name), key, oneOf(slices.Clone(allowed)...))
	}
	x.take(c, exchange.Success)
}

func (x request) unsubscribe(args []string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action, c.Who = "delivery", "unsubscribe", workspace.Named("delivery", args[0])
	if m := x.Document.Member(0, "unsubscribe"); m == none || x.Document.Nodes[m].Kind != jsondoc.Bool {
		c.Refuse(workspace.Required, "unsubscribe", "must be a boolean")
	}
	x.take(c, exchange.Success)
}
