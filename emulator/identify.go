package emulator

import "github.com/ciobridge/ciobridge/emulator/jsondoc"

// identify creates or updates a person. Nothing at all is changed when a part of it cannot be: Customer.io then
// records a failed attribute change and answers 200.
func (w *workspace) identify(d *jsondoc.Document, c *call, now int64) (ignored string) {
	p := w.people[c.who]
	if p != nil && p.suppressed {
		return ignoredSuppressed
	}
	names := c.names(d)
	if p == nil {
		if p, ignored = w.owner(c, names); ignored != "" {
			return ignored
		}
	}
	if p == nil && c.updateOnly {
		return ignoredUpdateOnly
	}
	if p != nil && c.timestamp != 0 && c.timestamp < p.edited {
		return ignoredStale
	}
	absorbed, ignored := w.claims(p, c, names)
	if ignored != "" {
		return ignored
	}
	if p != nil && c.attributes != none && wouldExceed(d, c.attributes, p.attributes) {
		return ignoredTooMany
	}
	if p == nil {
		p = w.create(c.who)
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
func (c *call) names(d *jsondoc.Document) (names []identifier) {
	if c.attributes == none {
		return nil
	}
	for m := range d.Children(c.attributes) {
		switch key := d.Key(m); key {
		case "id", "email", "phone", "anonymous_id":
			i := identifier{kind: key}
			if !erases(d, m) {
				i.value = d.Text(m)
			}
			names = append(names, i.canonical())
		}
	}
	return names
}

// owner finds the person that an unknown identifier will belong to because the call names somebody else's identifier
// beside it.
func (w *workspace) owner(c *call, names []identifier) (p *person, ignored string) {
	if c.who.kind == "cio_id" {
		return nil, ignoredUnknownCioID
	}
	for _, n := range names {
		q := w.people[n]
		if q == nil || n.kind == "anonymous_id" {
			continue
		}
		if q.suppressed {
			return nil, ignoredSuppressed
		}
		if q.named(c.who.kind) != "" || p != nil && p != q {
			return nil, ignoredConflict
		}
		p = q
	}
	return p, ""
}

// claims checks the identifiers that a call sets for p, and returns the profiles that p takes over: anonymous
// visitors, and a person who has only what p lacks, as workspaces that identify people by e-mail or id merge those.
func (w *workspace) claims(p *person, c *call, names []identifier) (absorbed []*person, ignored string) {
	for _, n := range names {
		q := w.people[n]
		switch {
		case n.kind == "id" && c.who.kind == "id" && n.value != c.who.value,
			n.kind == "id" && p != nil && c.who.kind != "cio_id" && p.named("id") != "" && p.named("id") != n.value:
			return nil, ignoredConflict
		case q == nil || q == p || n.value == "":
		case q.suppressed:
			return nil, ignoredSuppressed
		case !q.known():
			absorbed = append(absorbed, q)
		case p != nil && n.kind == "email" && p.named("email") == "" && q.named("id") == "",
			p != nil && n.kind == "id" && p.named("id") == "" && q.named("email") == "":
			absorbed = append(absorbed, q)
		default:
			return nil, ignoredConflict
		}
	}
	return absorbed, ""
}

func (w *workspace) edit(d *jsondoc.Document, c *call, p *person, names []identifier, now int64) {
	w.name(p, c.who)
	for _, n := range names {
		if n.value == "" {
			w.unname(p, n.kind)
		} else {
			w.name(p, n)
		}
	}
	if c.attributes != none {
		write(d, c.attributes, p.attributes, steering)
	}
	if c.timestamp != 0 {
		now = c.timestamp
	}
	p.edited = max(p.edited, now)
	if c.relationships != none {
		w.relatePerson(d, c, p)
	}
}

// merge moves what the primary lacks from the secondary to the primary, and deletes the secondary.
func (w *workspace) merge(c *call) string {
	p, q := w.people[c.who], w.people[c.other]
	switch {
	case p == nil || q == nil:
		return ignoredUnknownSide
	case p == q:
		return ignoredConflict
	case p.suppressed || q.suppressed:
		return ignoredSuppressed
	}
	w.absorb(p, q)
	return ""
}

func (w *workspace) absorb(p, q *person) {
	w.forget(q)
	for n := range q.names {
		if n.kind == "anonymous_id" || p.named(n.kind) == "" {
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
