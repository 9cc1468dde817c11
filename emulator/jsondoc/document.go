package jsondoc

import (
	"fmt"
	"iter"
)

// Kind is the type of a JSON value.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// None stands for no node.
const None = -1

// Node is one value of a document.
type Node struct {
	Start, End int32 // the value's bytes, quotes included
	Size       int32 // how many children it has
	Kind       Kind

	keyStart, keyEnd   int32 // the member name's bytes without quotes; both 0 outside objects
	next               int32 // the first node after this value and all that is in it
	escaped, keyEscape bool  // the string, the member name, contains a backslash
}

// Flaw is something that ordinary parsers let pass and this one does not: it spoils the value around it, not the
// document.
type Flaw struct {
	At      int32 // where it stands in the text
	Message string
}

// Document is a JSON text that was read once, without decoding any value. Its values are numbered in the order in
// which they begin; the text as a whole is node 0. It is reused: Read forgets what was read before.
type Document struct {
	Nodes []Node
	Flaws []Flaw // those of a value stand before those of the next

	src  string
	pos  int
	seen map[string]struct{}
}

// Reset forgets everything and keeps the memory.
func (d *Document) Reset() {
	*d = Document{Nodes: d.Nodes[:0], Flaws: d.Flaws[:0], seen: d.seen}
}

// Children yields the numbers of the elements or members of node i.
func (d *Document) Children(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for m := i + 1; m < int(d.Nodes[i].next) && yield(m); {
			m = int(d.Nodes[m].next)
		}
	}
}

// Key gives the decoded member name of node i.
func (d *Document) Key(i int) string {
	n := &d.Nodes[i]
	s := d.src[n.keyStart:n.keyEnd]
	if n.keyEscape {
		return unescape(s)
	}
	return s
}

// Raw gives the bytes of node i as they were sent.
func (d *Document) Raw(i int) string { return d.src[d.Nodes[i].Start:d.Nodes[i].End] }

// Text gives the decoded content of a string, and the bytes of any other value.
func (d *Document) Text(i int) string {
	n := &d.Nodes[i]
	if n.Kind != String {
		return d.Raw(i)
	}
	s := d.src[n.Start+1 : n.End-1]
	if n.escaped {
		return unescape(s)
	}
	return s
}

// Member finds the member of the object at node i, or None.
func (d *Document) Member(i int, key string) int {
	if d.Nodes[i].Kind == Object {
		for m := range d.Children(i) {
			if d.Key(m) == key {
				return m
			}
		}
	}
	return None
}

// repeats notes a flaw when two members of an object have one name. The object's own node is not complete yet, so its
// children are found by their number.
func (d *Document) repeats(self int, size int32) {
	if size < 2 {
		return
	}
	const fewEnoughToCompare = 12
	if size <= fewEnoughToCompare {
		for a, k := self+1, int32(0); k < size; a, k = int(d.Nodes[a].next), k+1 {
			for b, l := int(d.Nodes[a].next), k+1; l < size; b, l = int(d.Nodes[b].next), l+1 {
				if d.Key(a) == d.Key(b) {
					d.repeated(b)
					return
				}
			}
		}
		return
	}
	if d.seen == nil {
		d.seen = make(map[string]struct{})
	}
	clear(d.seen)
	for c, k := self+1, int32(0); k < size; c, k = int(d.Nodes[c].next), k+1 {
		if _, ok := d.seen[d.Key(c)]; ok {
			d.repeated(c)
			break
		}
		d.seen[d.Key(c)] = struct{}{}
	}
	clear(d.seen) // the keys would keep the whole text alive
}

func (d *Document) repeated(i int) {
	d.Flaws = append(d.Flaws, Flaw{d.Nodes[i].Start, fmt.Sprintf("has the key %q twice", d.Key(i))})
}
