package workspace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// Object is what the emulator holds about one thing that is not a person, such as a company or a course.
type Object struct {
	CioObjectID  string                     `json:"cio_object_id"`
	ObjectTypeID string                     `json:"object_type_id"`
	ObjectID     string                     `json:"object_id"`
	Attributes   map[string]json.RawMessage `json:"attributes,omitempty"`
}

type object struct {
	born       int
	self, cio  Identifier
	attributes map[string]string
}

// ensureObject finds an object, or makes it where the identifier allows that.
func (w *Workspace) ensureObject(i Identifier) *object {
	o := w.objects[i]
	if o == nil && i.Kind != "cio_object_id" {
		w.born++
		i.Kind, i.Value = strings.Clone(i.Kind), strings.Clone(i.Value)
		o = &object{born: w.born, self: i, cio: Identifier{"cio_object_id", fmt.Sprintf("ob%06d", w.born)},
			attributes: map[string]string{}}
		w.objects[o.self], w.objects[o.cio] = o, o
	}
	return o
}

func (w *Workspace) applyObject(d *jsondoc.Document, c *Call) (ignored string) {
	if c.Action == "delete" {
		o := w.objects[c.Who]
		if o == nil {
			return UnknownObject
		}
		w.forgetObject(o)
		return ""
	}
	if o := w.objects[c.Who]; o != nil && c.Attributes != none && wouldExceed(d, c, o.attributes) {
		return TooMany
	}
	o := w.ensureObject(c.Who)
	if o == nil {
		return UnknownObject
	}
	if c.Attributes != none {
		write(d, c.Attributes, o.attributes, c.Reserved)
	}
	if c.Other.Kind != "" {
		w.relate(d, c.Relation, c.Other, o, c.Unrelate)
	}
	if c.Relationships != none {
		for _, r := range relations(d, c.Relationships) {
			w.relate(d, r.attributes, personAt(d, r.identifiers), o, c.Unrelate)
		}
	}
	return ""
}

func (w *Workspace) forgetObject(o *object) {
	delete(w.objects, o.self)
	delete(w.objects, o.cio)
	for p := range w.all {
		delete(p.relations, o.self)
	}
}

// relate ties a person to an object, or unties them. People and objects that are new come to be, except to be untied.
func (w *Workspace) relate(d *jsondoc.Document, attributes int, who Identifier, o *object, untie bool) {
	if untie {
		if p := w.people[who]; p != nil {
			delete(p.relations, o.self)
		}
		return
	}
	p, ignored := w.ensure(who)
	if ignored != "" {
		return
	}
	have := p.relations[o.self]
	if have == nil {
		have = map[string]string{}
		p.relations[o.self] = have
	}
	if attributes != none {
		write(d, attributes, have, nil)
	}
}

func (w *Workspace) relatePerson(d *jsondoc.Document, c *Call, p *person) {
	for _, r := range relations(d, c.Relationships) {
		i := objectAt(d, r.identifiers)
		if o := w.objects[i]; c.Unrelate && o != nil {
			delete(p.relations, o.self)
		}
		if c.Unrelate {
			continue
		}
		if o := w.ensureObject(i); o != nil {
			w.relate(d, r.attributes, Identifier{"cio_id", p.named("cio_id")}, o, false)
		}
	}
}

// relation is one entry of cio_relationships: nodes of a document that was found to be right.
type relation struct{ identifiers, attributes int }

func relations(d *jsondoc.Document, i int) (out []relation) {
	for m := range d.Children(i) {
		out = append(out, relation{d.Member(m, "identifiers"), d.Member(m, "relationship_attributes")})
	}
	return out
}

func personAt(d *jsondoc.Document, i int) Identifier {
	return Identifier{d.Key(i + 1), d.Text(i + 1)}.Canonical()
}

func objectAt(d *jsondoc.Document, i int) Identifier {
	if m := d.Member(i, "cio_object_id"); m != none {
		return Identifier{"cio_object_id", d.Text(m)}
	}
	return Identifier{"object/" + d.Text(d.Member(i, "object_type_id")), d.Text(d.Member(i, "object_id"))}
}

// Objects lists every object in the order of creation.
func (w *Workspace) Objects() []Object {
	var found []*object
	for i, o := range w.objects {
		if i == o.self {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *object) int { return cmp.Compare(a.born, b.born) })
	out := make([]Object, len(found))
	for n, o := range found {
		out[n] = Object{
			CioObjectID: o.cio.Value, ObjectTypeID: strings.TrimPrefix(o.self.Kind, "object/"), ObjectID: o.self.Value,
			Attributes: rawValues(o.attributes),
		}
	}
	return out
}
