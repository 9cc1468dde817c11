package emulator

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// Person is what the emulator holds about one person, or about one visitor who is known by anonymous ids only.
type Person struct {
	CioID        string   `json:"cio_id"`
	ID           string   `json:"id,omitempty"`
	Email        string   `json:"email,omitempty"`
	Phone        string   `json:"phone,omitempty"`
	AnonymousIDs []string `json:"anonymous_ids,omitempty"`

	// Attributes holds the last value of each attribute as it was sent; identifiers are not among them.
	Attributes map[string]json.RawMessage `json:"attributes,omitempty"`
	Events     int                        `json:"events"` // events, pages and screens, each id once
	Devices    map[string]json.RawMessage `json:"devices,omitempty"`

	// Relationships holds the attributes of each relationship under the object, such as "object/1:acme".
	Relationships map[string]map[string]json.RawMessage `json:"relationships,omitempty"`
	Segments      []string                              `json:"segments,omitempty"`

	// Suppressed means that nothing but the identifiers is left, and that calls for them are ignored.
	Suppressed bool `json:"suppressed,omitempty"`
}

type person struct {
	born       int
	names      map[identifier]struct{}
	attributes map[string]string
	devices    map[string]string
	relations  map[identifier]map[string]string
	segments   map[string]struct{}
	events     int
	edited     int64 // unix seconds of the latest edit of attributes
	suppressed bool
}

func (p *person) named(kind string) string {
	for n := range p.names {
		if n.kind == kind {
			return n.value
		}
	}
	return ""
}

// known tells a person from a visitor who has anonymous ids only.
func (p *person) known() bool { return p.named("id")+p.named("email")+p.named("phone") != "" }

func (p *person) snapshot() Person {
	out := Person{
		CioID: p.named("cio_id"), ID: p.named("id"), Email: p.named("email"), Phone: p.named("phone"),
		Attributes: rawValues(p.attributes), Devices: rawValues(p.devices), Events: p.events, Suppressed: p.suppressed,
		Segments: slices.Sorted(maps.Keys(p.segments)),
	}
	for n := range p.names {
		if n.kind == "anonymous_id" {
			out.AnonymousIDs = append(out.AnonymousIDs, n.value)
		}
	}
	slices.Sort(out.AnonymousIDs)
	if len(p.relations) > 0 {
		out.Relationships = make(map[string]map[string]json.RawMessage, len(p.relations))
		for o, attributes := range p.relations {
			out.Relationships[o.String()] = rawValues(attributes)
		}
	}
	return out
}

func rawValues(m map[string]string) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(m))
	for k, v := range m {
		out[k] = json.RawMessage(v)
	}
	return out
}

// snapshot lists everybody in the order of their creation.
func (w *workspace) snapshot() []*person {
	return slices.SortedFunc(maps.Keys(w.all), func(a, b *person) int { return cmp.Compare(a.born, b.born) })
}

// steering names the members of an identify call that are instructions and not attributes.
func steering(key string) bool {
	switch key {
	case "id", "email", "phone", "anonymous_id", "cio_id", "_update", "_timestamp", "cio_relationships":
		return true
	}
	return false
}

// write sets and removes attributes.
func write(d *jsondoc.Document, object int, into map[string]string, skip func(string) bool) {
	for m := range d.Children(object) {
		key := d.Key(m)
		switch {
		case skip != nil && skip(key):
		case erases(d, m):
			delete(into, key)
		default:
			into[strings.Clone(key)] = strings.Clone(d.Raw(m))
		}
	}
}

// wouldExceed reports whether writing would leave more attributes than a person can have.
func wouldExceed(d *jsondoc.Document, object int, have map[string]string) bool {
	if len(have)+int(d.Nodes[object].Size) <= maxAttributes {
		return false
	}
	after := maps.Clone(have)
	write(d, object, after, steering)
	return len(after) > maxAttributes
}
