package yamltree

import (
	"regexp"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Kind is what a value is for every YAML parser of version 1.2.
type Kind int

// The kinds of values.
const (
	Broken Kind = iota // a mistake was reported of it; whoever reads it says nothing more
	Null
	Bool
	Number
	Text
	List
	Map
)

// String is the kind in the words of error messages.
func (k Kind) String() string {
	return [...]string{"something broken", "nothing", "true or false", "a number", "a text", "a list", "a map"}[k]
}

// A Node is one value of a text.
type Node struct {
	Kind Kind
	mistake.Place

	Value string // of a scalar: the text itself, or a number, a boolean or null as it was written
	Plain bool   // a scalar without quotes, which another parser may take for something else
	Block bool   // a text that begins with | or >

	Items   []*Node // of a list
	Entries []Entry // of a map, in the order in which they were written
}

// An Entry is a key of a map and its value. No key stands in a map twice.
type Entry struct{ Key, Value *Node }

// Get is the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key.Value == key {
			return e.Value
		}
	}
	return nil
}

// Describe says what a node is, in the words of error messages.
func (n *Node) Describe() string {
	if n == nil {
		return Null.String()
	}
	return n.Kind.String()
}

// plainKind is the kind of a scalar without quotes by the core schema of YAML 1.2, with the numbers that some parsers
// write in other ways.
func plainKind(s string) Kind {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return Null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return Bool
	}
	if numberPattern.MatchString(s) {
		return Number
	}
	return Text
}

var numberPattern = regexp.MustCompile(`^[-+]?[0-9]+$|^0[oO]?[0-7]+$|^0[xX][0-9a-fA-F]+$|^0[bB][01]+$` +
	`|^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`)
