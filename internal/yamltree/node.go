package yamltree

import (
	"regexp"
	"slices"
	"strings"

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

	// Expanded is set where something in ${} stood. The value may be a secret, and stands for whatever it reads as.
	Expanded bool

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

// Nearest is the place of the node with a path, or of the innermost one that it would stand in.
func (n *Node) Nearest(path string) mistake.Place {
	for _, inner := range n.inner() {
		rest, ok := strings.CutPrefix(path, inner.Path)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return inner.Nearest(path)
		}
	}
	return n.Place
}

// inner are the values that stand in a node.
func (n *Node) inner() []*Node {
	all := slices.Clone(n.Items)
	for _, e := range n.Entries {
		all = append(all, e.Value)
	}
	return all
}

// Covers is the path of a value that is not of its kind, or nothing for a map, whose keys may be right.
func (n *Node) Covers() []string {
	if n.Kind == Map {
		return nil
	}
	return []string{n.Path}
}

// scalar is the kind of a scalar; one that was expanded is what it reads as without quotes.
func (n *Node) scalar() Kind {
	if n.Expanded {
		return plainKind(n.Value)
	}
	return n.Kind
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
