package emulator

import "fmt"

// kind is the type of a JSON value.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// node is one value of a document. The children of node i are i+1, then the next of that, while below the next of i.
type node struct {
	start, end         int32 // the value's bytes, quotes included
	keyStart, keyEnd   int32 // the member name's bytes without quotes; both 0 outside objects
	next               int32 // the first node after this value and all that is in it
	size               int32 // children
	kind               kind
	escaped, keyEscape bool // the string, the member name, contains a backslash
}

// flaw is something that ordinary parsers let pass and this one does not: it spoils the value around it, not the document.
type flaw struct {
	at      int32
	message string
}

// document is a JSON text read once, without decoding any value. It is reused: parse forgets what was read before.
type document struct {
	src   string
	nodes []node
	flaws []flaw
	pos   int
	seen  map[string]struct{}
}

// key gives the decoded member name of node i.
func (d *document) key(i int) string {
	n := &d.nodes[i]
	s := d.src[n.keyStart:n.keyEnd]
	if n.keyEscape {
		return unescape(s)
	}
	return s
}

// raw gives the bytes of node i as they were sent.
func (d *document) raw(i int) string { return d.src[d.nodes[i].start:d.nodes[i].end] }

// text gives the decoded content of a string, and the bytes of any other value.
func (d *document) text(i int) string {
	n := &d.nodes[i]
	if n.kind != kindString {
		return d.raw(i)
	}
	s := d.src[n.start+1 : n.end-1]
	if n.escaped {
		return unescape(s)
	}
	return s
}

// member finds the member of the object at node i, or none.
func (d *document) member(i int, key string) int {
	if d.nodes[i].kind != kindObject {
		return none
	}
	for m := i + 1; m < int(d.nodes[i].next); m = int(d.nodes[m].next) {
		if d.key(m) == key {
			return m
		}
	}
	return none
}

// repeats notes a flaw when two members of an object have one name. The object's own node is not complete yet, so its children
// are found by their number.
func (d *document) repeats(self int, size int32) {
	if size < 2 {
		return
	}
	const fewEnoughToCompare = 12
	if size <= fewEnoughToCompare {
		for a, k := self+1, int32(0); k < size; a, k = int(d.nodes[a].next), k+1 {
			for b, l := int(d.nodes[a].next), k+1; l < size; b, l = int(d.nodes[b].next), l+1 {
				if d.key(a) == d.key(b) {
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
	for c, k := self+1, int32(0); k < size; c, k = int(d.nodes[c].next), k+1 {
		if _, ok := d.seen[d.key(c)]; ok {
			d.repeated(c)
			break
		}
		d.seen[d.key(c)] = struct{}{}
	}
	clear(d.seen) // the keys would keep the whole text alive
}

func (d *document) repeated(i int) {
	d.flaws = append(d.flaws, flaw{d.nodes[i].start, fmt.Sprintf("has the key %q twice", d.key(i))})
}
