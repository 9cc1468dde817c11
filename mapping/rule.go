package mapping

import (
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/brake"
	"github.com/ciobridge/ciobridge/mapping/operand"
	"github.com/ciobridge/ciobridge/mapping/rawcall"
)

// Rule says what the events of some types become.
type Rule struct {
	Name    string   // unique; part of the identity of the rule's calls
	Event   []string // types; * stands for any run of characters
	If      Term     // the rule is skipped unless this is true
	Require []Term   // values without which the event is a dead letter
	Do      []Action

	Workspace string `json:",omitempty"` // to which its calls go; empty for the first

	Time    Term   // the event's time, in place of the envelope's
	ID      Term   // the event's identity, in place of the envelope's
	IDScope string // keeps apart the ids of producers that number their events alike

	Unsent bool `json:",omitempty"` // the rule's calls are made and counted, and never sent

	// Revives says that an event which came after its person was deleted brings the person back.
	Revives bool `json:",omitempty"`

	Brakes brake.Spec `json:",omitzero"` // when the rule is stopped, and who answers for it

	Define Definitions `json:",omitzero"` // functions that the rule's programs may call: those of its file

	Pos, EventPos Position `json:"-"`
}

// place is where a field of the rule stands, as far as the rule's own place is known.
func (r *Rule) place(field string) Position {
	if r.Pos.Path == "" {
		return r.Pos.With("rule " + quoted(r.Name) + ": " + field)
	}
	return r.Pos.With(mistake.Join(r.Pos.Path, field))
}

// Action is one call of a rule.
type Action struct {
	Action customerio.Action
	Person []Person  // the first one that is present is named
	Name   Term      // of an event, page or screen
	Fields []Field   // attributes of identify, data of the others; of two with one name the later counts
	Except []string  `json:",omitempty"` // members of whole objects among the fields that are left out
	Remove []string  // attributes that identify erases
	Erase  []Nothing `json:",omitempty"` // what erases an attribute of identify, where its field does not say

	OnInvalid Policy `json:",omitempty"` // what becomes of a value that does not fit, where its field does not say
	Workspace string `json:",omitempty"` // to which the call goes, where it is another than the rule's

	// Timestamp is since when the attributes of identify are so: a program, or the literal event for the event's time.
	// Customer.io ignores an identify whose timestamp is older than the person's latest change.
	Timestamp Term `json:",omitzero"`

	Secondary     []Person       `json:",omitempty"` // who is merged into Person; the first that is present
	Object        Object         `json:",omitzero"`
	Relationships []Relationship `json:",omitempty"`
	Values        []Value        `json:",omitempty"` // by the keys of the action's own
	Topics        []Field        `json:",omitempty"` // subscription topics by name, true or false
	UpdateOnly    Term           `json:",omitzero"`  // true: identify makes no person
	Request       *Request       `json:",omitempty"` // of one's own

	Choice *Choice  `json:",omitempty"` // in place of an action: data say which of several steps is taken
	Is     []string `json:",omitempty"` // of such a step: the words that choose it; none means its action's name

	Each Term   // the call is made once for each output, which it reads as $item
	If   Term   // the call is left out unless this is true
	Call string // the call's name inside the rule; empty means action, literal name and ordinal

	Pos Position `json:"-"`
}

// The parts of calls that package operand compiles, as rules say them.
type (
	// Person is one way to name the person of a call.
	Person = operand.Person
	// Object names an object.
	Object = operand.Object
	// Relationship ties a person to an object.
	Relationship = operand.Relationship
	// RelationshipAttribute is one attribute of a relationship.
	RelationshipAttribute = operand.Attribute
	// Request is a request of one's own.
	Request = rawcall.Spec
	// Value is what an action has under a key of its own.
	Value = operand.Value
	// Node is a value that becomes JSON, with programs at any depth.
	Node = operand.Node
	// NodeMember is a member of an object of such values.
	NodeMember = operand.Member
	// Term is what a rule writes in one place: a jq program, or a literal.
	Term = operand.Term
)

// withAttributes is an action with what it says of topics, and of making no person, among its fields. Both are
// attributes.
func withAttributes(a Action) *Action {
	if len(a.Topics) == 0 && a.UpdateOnly.IsZero() {
		return &a
	}
	a.Fields = slices.Clone(a.Fields)
	for _, topic := range a.Topics {
		topic.path = "topics." + topic.Name
		topic.Name = customerio.TopicName(topic.Name)
		a.Fields = append(a.Fields, topic)
	}
	if !a.UpdateOnly.IsZero() {
		a.Fields = append(a.Fields, Field{Name: "_update", Value: a.UpdateOnly, Required: true, path: "update_only"})
	}
	return &a
}

// Field is one attribute of a person, or one value of an event's data; or the members of an object, which are sent as
// if the rule named each of them. Of a value that a later field gives, too, nothing is sent.
type Field struct {
	Name  string
	Value Term
	Whole bool      `json:",omitempty"` // the value is an object, whose members are sent
	Erase []Nothing `json:",omitzero"`  // of an attribute: what erases it; nil is as the action says

	Required  bool   `json:",omitempty"` // without the value, or with one that does not fit, there is no call
	OnInvalid Policy `json:",omitempty"` // what becomes of a value that does not fit; empty is as the action says

	path string // where the rule says it; empty where its name stands among the attributes or data
}

// Nothing is a way in which a value can hold nothing.
type Nothing string

// The ways. A value that is not there at all erases nothing.
const (
	NullValue  Nothing = "null"
	EmptyValue Nothing = "empty" // the text of no length
)

// EventTime is the literal timestamp of an action that takes the event's time, as JSON.
const EventTime = `"event"`

// Position is where somebody wrote something: in a rule file or in the configuration. The zero Position is that of what
// a program made.
type Position = mistake.Place

// RuleNames are the names of the rules, in file order.
func (r *Rules) RuleNames() []string {
	names := make([]string, len(r.rules))
	for i, rule := range r.rules {
		names[i] = rule.name
	}
	return names
}

// SendingRules gives the names of the rules whose calls are sent, in file order.
func (r *Rules) SendingRules() (names []string) {
	for _, rule := range r.rules {
		if rule.sends {
			names = append(names, rule.name)
		}
	}
	return names
}

// Policy is what the author of a rule says of it as a whole; nothing where there is no such rule.
func (r *Rules) Policy(rule string) event.RulePolicy { return r.policies[rule] }

// watch says whether calls may name people who are new, and whether somebody counts those.
func (a *action) watch(b *brake.Spec) {
	a.NamesPerson = a.personField != nil && a.personField.Lanes && a.parts == nil && a.Fence == event.PassFence
	a.Watched = a.NamesPerson && b.NewPeople.Limit > 0
}

// Once reports whether the rules make calls that would count twice if they were sent twice, and so need a send ledger.
func (r *Rules) Once() bool {
	for _, rule := range r.rules {
		if slices.ContainsFunc(rule.actions, func(a *action) bool { return a.Once }) {
			return true
		}
	}
	return false
}

// Use is an API that calls of a rule go to.
type Use struct {
	API       customerio.API
	Workspace int // its number
	Rule      string
}

// Uses are the APIs beside Track that calls go to, each once for each workspace, with the first rule that needs it.
func (r *Rules) Uses() (uses []Use) {
	for _, rule := range r.rules {
		for _, a := range rule.actions {
			use := Use{a.api(), a.number, rule.name}
			known := func(u Use) bool { return u.API == use.API && u.Workspace == use.Workspace }
			if use.API != customerio.TrackAPI && !slices.ContainsFunc(uses, known) {
				uses = append(uses, use)
			}
		}
	}
	return uses
}

func (a *action) api() customerio.API {
	switch {
	case a.request != nil:
		return a.request.API()
	case len(a.op.Endpoints) > 0:
		return a.op.Endpoints[0].API()
	}
	return customerio.TrackAPI
}

// CallNames are the names of a rule's calls and choices, in their order.
func (r *Rules) CallNames(rule string) (names []string) {
	for _, candidate := range r.rules {
		if candidate.name == rule {
			names = append(names, candidate.calls...)
		}
	}
	return names
}

// request compiles a request of one's own.
func (c *actionCompiler) request(op *customerio.Operation) {
	switch its := op.Field(customerio.RequestField) != nil; {
	case its && c.from.Request == nil:
		c.wrong("", "says nothing of the request")
	case its:
		c.out.request, c.out.parts = rawcall.Compile(c.operands(), c.from.Request, c.taken), []part{}
		c.out.Once = c.out.request.Once()
	case c.from.Request != nil:
		c.wrong("", "this action is no request: leave it out")
	}
}
