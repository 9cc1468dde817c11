package workspace

import (
	"maps"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// identify creates or updates a person. Nothing at all is changed when a part of it cannot be: Customer.io then
// records a failed attribute change and answers 200.
func (w *Workspace) identify(d *jsondoc.Document, c *Call, now int64) (ignored string) {
	p := w.people[c.Who]
	if p != nil && p.suppressed {
		return Suppressed
	}
	names := c.names(d)
	if p == nil {
		if p, ignored = w.owner(c, names); ignored != "" {
			return ignored
		}
	}
	if p == nil && c.UpdateOnly {
		return UpdateOnly
	}
	if p != nil && c.Timestamp != 0 && c.Timestamp < p.edited {
		return Stale
	}
	absorbed, ignored := w.claims(p, c, names)
	if ignored != "" {
		return ignored
	}
	if p != nil && c.Attributes != none && wouldExceed(d, c, p.attributes) {
		return TooMany
	}
	if p == nil {
		p = w.create(c.Who)
	}
	for _, q := range absorbed {
		if q.born < p.born && q.known() {
			p, q = q, p // the older profile stays
		}
		w.absorb(p, q)
	}
	w.edit(d, c, p, names, now)
	return ""
}

// names lists the identifiers that a call sets as attributes; a value of "" takes the identifier away.
func (c *Call) names(d *jsondoc.Document) (names []Identifier) {
	for _, n := range c.Names {
		names = append(names, n.Canonical())
	}
	if c.Attributes == none {
		return names
	}
	for m := range d.Children(c.Attributes) {
		switch key := d.Key(m); key {
		case "id", "email", "phone", "anonymous_id":
			i := Identifier{Kind: key}
			if !Erases(d, m) {
				i.Value = d.Text(m)
			}
			names = append(names, i.Canonical())
		}
	}
	return names
}

// owner finds the person that an unknown identifier will belong to because the call names somebody else's identifier
// beside it.
func (w *Workspace) owner(c *Call, names []Identifier) (p *person, ignored string) {
	if c.Who.Kind == "cio_id" {
		return nil, UnknownCioID
	}
	for _, n := range names {
		q := w.people[n]
		if q == nil || n.Kind == "anonymous_id" {
			continue
		}
		if q.suppressed {
			return nil, Suppressed
		}
		if q.named(c.Who.Kind) != "" || p != nil && p != q {
			return nil, Conflict
		}
		p = q
	}
	return p, ""
}

// claims checks the identifiers that a call sets for p, and returns the profiles that p takes over: anonymous
// visitors, and a person who has only what p lacks, as workspaces that identify people by e-mail or id merge those.
func (w *Workspace) claims(p *person, c *Call, names []Identifier) (absorbed []*person, ignored string) {
	for _, n := range names {
		q := w.people[n]
		switch {
		case n.Kind == "id" && c.Who.Kind == "id" && n.Value != c.Who.Value,
			n.Kind == "id" && p != nil && c.Who.Kind != "cio_id" && p.named("id") != "" && p.named("id") != n.Value:
			return nil, Conflict
		case q == nil || q == p || n.Value == "":
		case q.suppressed:
			return nil, Suppressed
		case !q.known():
			absorbed = append(absorbed, q)
		case p != nil && n.Kind == "email" && p.named("email") == "" && q.named("id") == "",
			p != nil && n.Kind == "id" && p.named("id") == "" && q.named("email") == "":
			absorbed = append(absorbed, q)
		default:
			return nil, Conflict
		}
	}
	return absorbed, ""
}

func (w *Workspace) edit(d *jsondoc.Document, c *Call, p *person, names []Identifier, now int64) {
	w.name(p, c.Who)
	for _, n := range names {
		if n.Value == "" {
			w.unname(p, n.Kind)
		} else {
			w.name(p, n)
		}
	}
	if c.Attributes != none {
		w.change(d, c, p)
		write(d, c.Attributes, p.attributes, c.reserved())
	}
	maps.Copy(p.attributes, c.Extra)
	if c.Timestamp != 0 {
		now = c.Timestamp
	}
	p.edited = max(p.edited, now)
	if c.Relationships != none {
		w.relatePerson(d, c, p)
	}
}

// merge moves what the primary lacks from the secondary to the primary, and deletes the secondary.
func (w *Workspace) merge(c *Call) string {
	p, q := w.people[c.Who], w.people[c.Other]
	if q == nil {
		q = w.people[c.Alias]
	}
	switch {
	case p == nil || q == nil:
		return UnknownSide
	case p == q:
		return Conflict
	case p.suppressed || q.suppressed:
		return Suppressed
	}
	w.absorb(p, q)
	return ""
}

func (w *Workspace) absorb(p, q *person) {
	w.forget(q)
	q.merged = p
	for n := range q.names {
		if n.Kind == "anonymous_id" || p.named(n.Kind) == "" {
			w.name(p, n)
		}
	}
	for k, v := range q.attributes {
		if _, ok := p.attributes[k]; !ok {
			p.attributes[k] = v
		}
	}
	for k, v := range q.devices {
		p.devices[k] = v
	}
	for k, v := range q.relations {
		if _, ok := p.relations[k]; !ok {
			p.relations[k] = v
		}
	}
	for k := range q.segments {
		p.segments[k] = struct{}{}
	}
	p.events += q.events
	p.edited = max(p.edited, q.edited)
}

// change notes which attributes get other values.
func (w *Workspace) change(d *jsondoc.Document, c *Call, p *person) {
	skip := c.reserved()
	for m := range d.Children(c.Attributes) {
		key, to := d.Key(m), d.Raw(m)
		if skip(key) {
			continue
		}
		if Erases(d, m) {
			to = ""
		}
		if from := p.attributes[key]; from != to {
			w.changes = append(w.changes, change{key, from, to})
		}
	}
}
