package operand

import (
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Term is what a rule writes in one place: a jq program, or a literal.
type Term struct {
	Program string // empty for a literal
	Literal string // JSON

	Pos mistake.Place `json:"-"`
}

// IsZero reports whether nothing was written.
func (v Term) IsZero() bool { return v.Program == "" && v.Literal == "" }

// Person is one way to name the person of a call.
type Person struct {
	Kind  customerio.Identifier
	Value Term
}

// Object names an object, by its type and its id, or by the id that Customer.io gave it.
type Object struct {
	Type, ID Term
	CioID    Term

	Pos mistake.Place `json:"-"`
}

// IsZero reports whether nothing names the object.
func (o Object) IsZero() bool { return o.Type.IsZero() && o.ID.IsZero() && o.CioID.IsZero() }

// Relationship ties a person to an object. It names the side that is not the call's own.
type Relationship struct {
	Each       Term     // there is one for each output, which its other programs read as $item
	Object     Object   // of a person's call
	Person     []Person // of an object's call: the first that is present is named
	Attributes []Attribute

	Pos mistake.Place `json:"-"`
}

// Attribute is one attribute of a relationship, or the members of an object, which are sent as if each were named.
type Attribute struct {
	Name     string // empty where Whole is true
	Value    Term
	Whole    bool `json:",omitempty"`
	Required bool `json:",omitempty"` // without the value there is no call
}

// Value is what a rule writes under a key that takes one value, which is in Node where it can be an object or a list.
type Value struct {
	Key   string
	Value Term
	Node  Node `json:",omitzero"`
}

// Node is a value that becomes JSON: a term, or an object or a list of such values.
type Node struct {
	Term     Term
	Object   []Member
	List     []Node
	IsObject bool `json:",omitempty"` // though it has no member
	IsList   bool `json:",omitempty"` // though it has no element

	Pos mistake.Place `json:"-"`
}

// IsZero reports whether nothing was written.
func (n Node) IsZero() bool { return n.Term.IsZero() && !n.IsObject && !n.IsList }

// Member is a member of an object.
type Member struct {
	Name     string
	Value    Node
	Required bool `json:",omitempty"` // without the value there is no call
}
