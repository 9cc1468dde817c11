package workspace

import (
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// Why a call that was taken changed nothing. Customer.io answers all of these with a 200.
const (
	Duplicate      = "duplicate"           // the event's id was seen before
	Stale          = "stale"               // the timestamp is older than the person's latest edit
	Suppressed     = "suppressed"          // an identifier in it is suppressed
	NotSuppressed  = "not_suppressed"      // there is nothing to unsuppress
	UnknownCioID   = "unknown_cio_id"      // a cio_id that was never given out, or whose person is gone
	UnknownPerson  = "unknown_person"      // nobody to delete, or nobody in a segment's list
	UnknownObject  = "unknown_object"      // no such object
	UnknownDevice  = "unknown_device"      // the person has no such device
	UnknownSide    = "unknown_merge_side"  // the primary or the secondary of a merge does not exist
	UpdateOnly     = "update_only"         // _update, and the person does not exist
	Conflict       = "identifier_conflict" // identifiers of two people, or a change of a set id
	UnknownSegment = "unknown_segment"     // the segment was deleted
	TooMany        = "attribute_limit"     // the person or object would have more than 300 attributes
)

// Workspace is the state behind the API: people, objects and the event ids that were seen. It grows with the number
// of distinct people and objects; the memory of ids is bounded. Its owner serialises access.
//
// A person is found by id, email (without case), phone, cio_id or anonymous_id. What names somebody unknown creates a
// person, but for a cio_id, deletion and merging. An identify that sets an identifier of somebody else changes
// nothing, unless the two profiles complete each other (one has only what the other lacks): then they merge and the
// older one stays. An id that is set changes by cio_id only; an e-mail address changes freely, as with the workspace
// setting that allows it. Real workspaces can be set up otherwise.
type Workspace struct {
	people  map[Identifier]*person
	all     map[*person]struct{}
	objects map[Identifier]*object
	born    int
	records map[string]*Records

	deliveries []*delivery
	byDelivery map[string]*delivery
	delivered  int

	activities log
	changes    []change // of the identify that is carried out

	seen, seenBefore map[ulid.ULID]struct{}
	remember         int

	tell func(Report) // nil where nobody wants to know

	within       time.Duration // in which people react to what is sent to them; 0 if they do not
	nextReaction time.Time     // nothing happens before

	// Exports say how exports go on from now.
	Exports Exports
}

// New makes a workspace that holds nobody, and remembers that many event ids.
func New(remember int) *Workspace {
	return &Workspace{
		people:   map[Identifier]*person{},
		all:      map[*person]struct{}{},
		objects:  map[Identifier]*object{},
		seen:     map[ulid.ULID]struct{}{},
		remember: remember,

		records:    map[string]*Records{},
		byDelivery: map[string]*delivery{},
	}
}

// Tell has reports told from now on, of which each is a reporting webhook of Customer.io.
func (w *Workspace) Tell(f func(Report)) { w.tell = f }

// Apply carries out a call that has no problems. It returns why the call changed nothing, or the empty string.
func (w *Workspace) Apply(d *jsondoc.Document, c *Call, at time.Time) (ignored string) {
	if c.ID != "" && w.repeated(c.Seen) {
		return Duplicate
	}
	owner, born := w.people[c.Who], w.born
	w.changes = w.changes[:0]
	switch c.Type {
	case "person":
		ignored = w.applyPerson(d, c, at.Unix())
	case "object":
		ignored = w.applyObject(d, c)
	case "segment":
		ignored = w.applySegment(c, at)
	case "delivery":
		ignored = w.applyDelivery(c, at)
	}
	if p := w.people[c.Who]; p != nil {
		owner = p
	}
	if w.born > born && owner != nil && owner.born > born {
		w.log(activity{owner: owner, Activity: Activity{Type: "profile_create"}}, at)
	}
	w.note(d, c, owner, ignored, at)
	return ignored
}

func (w *Workspace) applyPerson(d *jsondoc.Document, c *Call, now int64) (ignored string) {
	switch c.Action {
	case "event", "page", "screen", "viewed_content", "clicked_content":
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
	p, ignored := w.ensure(c.Who)
	if ignored != "" {
		return ignored
	}
	switch c.Action {
	case "add_device":
		p.devices[strings.Clone(c.Name)] = strings.Clone(d.Raw(c.Device))
	case "delete_device":
		if _, ok := p.devices[c.Name]; !ok {
			return UnknownDevice
		}
		delete(p.devices, c.Name)
	case "add_relationships", "delete_relationships":
		w.relatePerson(d, c, p)
	}
	return ""
}

// ensure finds a person, or makes one where the identifier allows that.
func (w *Workspace) ensure(who Identifier) (p *person, ignored string) {
	p = w.people[who]
	switch {
	case p == nil && who.Kind == "cio_id":
		return nil, UnknownCioID
	case p == nil:
		return w.create(who), ""
	case p.suppressed:
		return nil, Suppressed
	}
	return p, ""
}

// find looks a person up by kind:value.
func (w *Workspace) find(named string) *person {
	kind, value, _ := strings.Cut(named, ":")
	return w.people[Identifier{kind, value}.Canonical()]
}

func (w *Workspace) create(who Identifier) *person {
	w.born++
	p := &person{
		born: w.born, names: map[Identifier]struct{}{}, attributes: map[string]string{}, devices: map[string]string{},
		relations: map[Identifier]map[string]string{}, segments: map[string]struct{}{},
	}
	w.all[p] = struct{}{}
	w.name(p, Identifier{"cio_id", fmt.Sprintf("em%06d", p.born)})
	w.name(p, who)
	return p
}

// name gives a person an identifier, in place of the one of that kind; only anonymous ids can be many.
func (w *Workspace) name(p *person, i Identifier) {
	if w.people[i] == p {
		return
	}
	if i.Kind != "anonymous_id" {
		w.unname(p, i.Kind)
	}
	i.Value = strings.Clone(i.Value)
	p.names[i] = struct{}{}
	w.people[i] = p
}

func (w *Workspace) unname(p *person, kind string) {
	for n := range p.names {
		if n.Kind == kind {
			delete(p.names, n)
			delete(w.people, n)
		}
	}
}

// forget removes a person and gives the identifiers free.
func (w *Workspace) forget(p *person) {
	for n := range p.names {
		delete(w.people, n)
	}
	delete(w.all, p)
	p.gone = true
}

func (w *Workspace) event(c *Call) string {
	if c.Who.Kind == "" {
		return "" // an invitation: an event of nobody
	}
	p, ignored := w.ensure(c.Who)
	if ignored == "" {
		p.events++
	}
	return ignored
}

func (w *Workspace) delete(c *Call) string {
	p := w.people[c.Who]
	switch {
	case p == nil:
		return UnknownPerson
	case p.suppressed:
		return Suppressed
	}
	w.forget(p)
	return ""
}

// suppress deletes the profile and keeps its identifiers from being used again.
func (w *Workspace) suppress(c *Call) string {
	p, ignored := w.ensure(c.Who)
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
func (w *Workspace) unsuppress(c *Call) string {
	p := w.people[c.Who]
	if p == nil || !p.suppressed {
		return NotSuppressed
	}
	w.forget(p)
	return ""
}
