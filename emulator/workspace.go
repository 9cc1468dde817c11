package emulator

import (
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// Why a call that was taken changed nothing. Customer.io answers all of these with a 200.
const (
	ignoredDuplicate     = "duplicate"           // the event's id was seen before
	ignoredStale         = "stale"               // the timestamp is older than the person's latest edit
	ignoredSuppressed    = "suppressed"          // an identifier in it is suppressed
	ignoredNotSuppressed = "not_suppressed"      // there is nothing to unsuppress
	ignoredUnknownCioID  = "unknown_cio_id"      // a cio_id that was never given out, or whose person is gone
	ignoredUnknownPerson = "unknown_person"      // nobody to delete, or nobody in a segment's list
	ignoredUnknownObject = "unknown_object"      // no such object
	ignoredUnknownDevice = "unknown_device"      // the person has no such device
	ignoredUnknownSide   = "unknown_merge_side"  // the primary or the secondary of a merge does not exist
	ignoredUpdateOnly    = "update_only"         // _update, and the person does not exist
	ignoredConflict      = "identifier_conflict" // identifiers of two people, or a change of a set id
	ignoredTooMany       = "attribute_limit"     // the person would have more than 300 attributes
)

// workspace is the state behind the API: people, objects and the event ids that were seen. It grows with the number
// of distinct people and objects; the memory of ids is bounded. Its owner serialises access.
//
// A person is found by id, email (without case), phone, cio_id or anonymous_id. What names somebody unknown creates a
// person, but for a cio_id, deletion and merging. An identify that sets an identifier of somebody else changes
// nothing, unless the two profiles complete each other (one has only what the other lacks): then they merge and the
// older one stays. An id that is set changes by cio_id only; an e-mail address changes freely, as with the workspace
// setting that allows it. Real workspaces can be set up otherwise.
type workspace struct {
	people  map[identifier]*person
	all     map[*person]struct{}
	objects map[identifier]*object
	born    int

	seen, seenBefore map[ulid.ULID]struct{}
	remember         int
}

func newWorkspace(remember int) *workspace {
	return &workspace{
		people:   map[identifier]*person{},
		all:      map[*person]struct{}{},
		objects:  map[identifier]*object{},
		seen:     map[ulid.ULID]struct{}{},
		remember: remember,
	}
}

// repeated reports whether an id was seen, and remembers it. At least the latest half of the ids to remember are known.
func (w *workspace) repeated(id ulid.ULID) bool {
	_, seen := w.seen[id]
	_, before := w.seenBefore[id]
	if seen || before {
		return true
	}
	if len(w.seen) >= max(1, w.remember/2) {
		w.seenBefore, w.seen = w.seen, map[ulid.ULID]struct{}{}
	}
	w.seen[id] = struct{}{}
	return false
}

// apply carries out a call that has no problems. It returns why the call changed nothing, or the empty string.
func (w *workspace) apply(d *jsondoc.Document, c *call, now int64) (ignored string) {
	switch c.typ {
	case "person":
		return w.applyPerson(d, c, now)
	case "object":
		return w.applyObject(d, c)
	case "segment":
		return w.applySegment(c)
	default:
		return "" // metrics of deliveries change no state that the emulator keeps
	}
}

func (w *workspace) applyPerson(d *jsondoc.Document, c *call, now int64) (ignored string) {
	switch c.action {
	case "event", "page", "screen":
		return w.event(c)
	case "identify":
		return w.identify(d, c, now)
	case "delete":
		return w.delete(c)
	case "merge":
		return w.merge(c)
	case "suppress":
		return w.suppress(c)
	case "unsuppress":
		return w.unsuppress(c)
	}
	p, ignored := w.ensure(c.who)
	if ignored != "" {
		return ignored
	}
	switch c.action {
	case "add_device":
		p.devices[strings.Clone(c.name)] = strings.Clone(d.Raw(c.device))
	case "delete_device":
		if _, ok := p.devices[c.name]; !ok {
			return ignoredUnknownDevice
		}
		delete(p.devices, c.name)
	case "add_relationships", "delete_relationships":
		w.relatePerson(d, c, p)
	}
	return ""
}

// ensure finds a person, or makes one where the identifier allows that.
func (w *workspace) ensure(who identifier) (p *person, ignored string) {
	p = w.people[who]
	switch {
	case p == nil && who.kind == "cio_id":
		return nil, ignoredUnknownCioID
	case p == nil:
		return w.create(who), ""
	case p.suppressed:
		return nil, ignoredSuppressed
	}
	return p, ""
}

// find looks a person up by kind:value.
func (w *workspace) find(named string) *person {
	kind, value, _ := strings.Cut(named, ":")
	return w.people[identifier{kind, value}.canonical()]
}

func (w *workspace) create(who identifier) *person {
	w.born++
	p := &person{
		born: w.born, names: map[identifier]struct{}{}, attributes: map[string]string{}, devices: map[string]string{},
		relations: map[identifier]map[string]string{}, segments: map[string]struct{}{},
	}
	w.all[p] = struct{}{}
	w.name(p, identifier{"cio_id", fmt.Sprintf("em%06d", p.born)})
	w.name(p, who)
	return p
}

// name gives a person an identifier, in place of the one of that kind; only anonymous ids can be many.
func (w *workspace) name(p *person, i identifier) {
	if w.people[i] == p {
		return
	}
	if i.kind != "anonymous_id" {
		w.unname(p, i.kind)
	}
	i.value = strings.Clone(i.value)
	p.names[i] = struct{}{}
	w.people[i] = p
}

func (w *workspace) unname(p *person, kind string) {
	for n := range p.names {
		if n.kind == kind {
			delete(p.names, n)
			delete(w.people, n)
		}
	}
}

// forget removes a person and gives the identifiers free.
func (w *workspace) forget(p *person) {
	for n := range p.names {
		delete(w.people, n)
	}
	delete(w.all, p)
}

func (w *workspace) event(c *call) string {
	if c.id != "" && w.repeated(c.seen) {
		return ignoredDuplicate
	}
	if c.who.kind == "" {
		return "" // an invitation: an event of nobody
	}
	p, ignored := w.ensure(c.who)
	if ignored == "" {
		p.events++
	}
	return ignored
}

func (w *workspace) delete(c *call) string {
	p := w.people[c.who]
	switch {
	case p == nil:
		return ignoredUnknownPerson
	case p.suppressed:
		return ignoredSuppressed
	}
	w.forget(p)
	return ""
}

// suppress deletes the profile and keeps its identifiers from being used again.
func (w *workspace) suppress(c *call) string {
	p, ignored := w.ensure(c.who)
	if ignored == "" {
		p.suppressed, p.events = true, 0
		clear(p.attributes)
		clear(p.devices)
		clear(p.relations)
		clear(p.segments)
	}
	return ignored
}

// unsuppress gives the identifiers free; the profile does not come back.
func (w *workspace) unsuppress(c *call) string {
	p := w.people[c.who]
	if p == nil || !p.suppressed {
		return ignoredNotSuppressed
	}
	w.forget(p)
	return ""
}

func (w *workspace) applySegment(c *call) string {
	ignored := ignoredUnknownPerson
	for _, id := range c.ids {
		p := w.people[id]
		if p == nil || p.suppressed {
			continue
		}
		ignored = ""
		if c.action == "add_customers" {
			p.segments[strings.Clone(c.name)] = struct{}{}
		} else {
			delete(p.segments, c.name)
		}
	}
	return ignored
}
