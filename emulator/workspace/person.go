package workspace

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

	Edited int64 `json:"-"` // unix seconds of the latest edit of attributes

	// Suppressed means that nothing but the identifiers is left, and that calls for them are ignored.
	Suppressed bool `json:"suppressed,omitempty"`
}

type person struct {
	born       int
	names      map[Identifier]struct{}
	attributes map[string]string
	devices    map[string]string
	relations  map[Identifier]map[string]string
	segments   map[string]struct{}
	events     int
	edited     int64 // unix seconds of the latest edit of attributes
	suppressed bool
	gone       bool    // deleted, or merged into somebody
	merged     *person // into whom
}

// now is the person that p has become by merging; nil for nobody.
func (p *person) now() *person {
	for p != nil && p.merged != nil {
		p = p.merged
	}
	return p
}

func (p *person) ref() Ref { return Ref{p.named("id"), p.named("email"), p.named("cio_id")} }

func (p *person) named(kind string) string {
	for n := range p.names {
		if n.Kind == kind {
			return n.Value
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
		Edited:   p.edited,
		Segments: slices.Sorted(maps.Keys(p.segments)),
	}
	for n := range p.names {
		if n.Kind == "anonymous_id" {
			out.AnonymousIDs = append(out.AnonymousIDs, n.Value)
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

// People lists everybody in the order of their creation.
func (w *Workspace) People() []Person {
	found := w.inOrder()
	out := make([]Person, len(found))
	for i, p := range found {
		out[i] = p.snapshot()
	}
	return out
}

// Count tells how many people there are.
func (w *Workspace) Count() int { return len(w.all) }

// Latest lists at most limit people who came to be last, latest first; or the one who is named by kind:value.
func (w *Workspace) Latest(named string, limit int) []Person {
	people := []Person{}
	if named != "" {
		if p := w.find(named); p != nil {
			people = append(people, p.snapshot())
		}
		return people
	}
	found := w.inOrder()
	for i := len(found) - 1; i >= 0 && len(people) < limit; i-- {
		people = append(people, found[i].snapshot())
	}
	return people
}

// NamesOf lists under what names, as kind:value, somebody is known who has the given one. It is among them.
func (w *Workspace) NamesOf(named string) map[string]bool {
	names := map[string]bool{named: true}
	if p := w.find(named); p != nil {
		for n := range p.names {
			names[n.String()] = true
		}
	}
	return names
}

func (w *Workspace) inOrder() []*person {
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

func (c *Call) reserved() func(string) bool {
	if c.Reserved != nil {
		return c.Reserved
	}
	return steering
}

// MaxAttributes is how many attributes a person, an object or a relationship can have.
const MaxAttributes = 300

// Erases reports whether a value removes the attribute: null or the empty string.
func Erases(d *jsondoc.Document, i int) bool {
	n := &d.Nodes[i]
	return n.Kind == jsondoc.Null || n.Kind == jsondoc.String && n.End-n.Start == 2
}

// write sets and removes attributes.
func write(d *jsondoc.Document, object int, into map[string]string, skip func(string) bool) {
	for m := range d.Children(object) {
		key := d.Key(m)
		switch {
		case skip != nil && skip(key):
		case Erases(d, m):
			delete(into, key)
		default:
			into[strings.Clone(key)] = strings.Clone(d.Raw(m))
		}
	}
}

// wouldExceed reports whether writing would leave more attributes than a person or an object can have.
func wouldExceed(d *jsondoc.Document, c *Call, have map[string]string) bool {
	if len(have)+int(d.Nodes[c.Attributes].Size) <= MaxAttributes {
		return false
	}
	after := maps.Clone(have)
	write(d, c.Attributes, after, c.reserved())
	return len(after) > MaxAttributes
}

// Person finds somebody who is not suppressed.
func (w *Workspace) Person(i Identifier) (Person, bool) {
	p := w.people[i.Canonical()]
	if p == nil || p.suppressed {
		return Person{}, false
	}
	return p.snapshot(), true
}

// Known lists the people who are neither suppressed nor visitors, in the order of their creation.
func (w *Workspace) Known() []Person {
	var out []Person
	for _, p := range w.inOrder() {
		if p.known() && !p.suppressed {
			out = append(out, p.snapshot())
		}
	}
	return out
}
