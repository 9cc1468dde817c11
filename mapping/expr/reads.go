package expr

import (
	"slices"

	"github.com/itchyny/gojq"
)

// reading is a place in a document and what a program on gojq reads of it, so that nothing else has to be decoded. Where the value at
// the place is not what the program takes it for, all of it is: a message of gojq may quote it.
type reading struct {
	whole bool      // all of the value
	keys  []keyRead // of an object
	elems *reading  // of an array, or of all values of an object
	index bool      // elems are asked for by number, which no object has

	node int32 // in the set, for places that are reached by keys alone; else noNode
}

type keyRead struct {
	name string
	*reading
}

// key is the place of a key. The nil place stands for values that are not in the document, or are read as a whole.
func (r *reading) key(name string) *reading {
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.keys, func(k keyRead) bool { return k.name == name })
	if i < 0 {
		i = len(r.keys)
		r.keys = append(r.keys, keyRead{name, &reading{node: noNode}})
	}
	return r.keys[i].reading
}

// everyElem is the place of all elements.
func (r *reading) everyElem(index bool) *reading {
	if r == nil {
		return nil
	}
	if r.elems == nil {
		r.elems = &reading{node: noNode}
	}
	r.index = r.index || index
	return r.elems
}

func (r *reading) use() {
	if r != nil {
		r.whole = true
	}
}

// only reports whether some of an object, or some of an array's elements, is all that is read.
func (r *reading) only(kind Kind) bool {
	switch {
	case r.whole || len(r.keys) > 0 && r.elems != nil:
		return false
	case kind == Object:
		return len(r.keys) > 0 || r.elems != nil && !r.index
	}
	return kind == Array && r.elems != nil
}

// reads says what q reads of the document.
func reads(q *gojq.Query) *reading {
	r := reader{root: &reading{node: noNode}}
	r.used(q, r.root)
	return r.root
}

// elem is what is read of each element; of an array that is read as a whole, all.
func (r *reading) elem() *reading {
	if r.whole {
		return r
	}
	return r.elems
}

// member is what is read of a member of an object, nil for nothing.
func (r *reading) member(key string) *reading {
	if r.whole || r.elems != nil {
		return r.elem()
	}
	for _, k := range r.keys {
		if k.name == key {
			return k.reading
		}
	}
	return nil
}

// nothing reports whether the place is never looked at.
func (r *reading) nothing() bool { return !r.whole && len(r.keys) == 0 && r.elems == nil }

// reading has the pass over a document note the places that are reached by keys. All programs that read the whole document share one.
func (s *Set) reading(r *reading) *reading {
	if r.whole {
		return wholeDocument
	}
	s.follow(r, s.root)
	return r
}

var wholeDocument = &reading{whole: true}

func (s *Set) follow(r *reading, n *node) {
	r.node = n.id
	if r.only(Object) {
		for _, k := range r.keys {
			s.follow(k.reading, s.field(n, step{name: k.name, key: true}))
		}
	}
}
