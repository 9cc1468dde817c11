package expr

import (
	"slices"

	"github.com/itchyny/gojq"
)

// projection is a place in a document and what a program on gojq reads of it, so that nothing else has to be decoded. Where the value at
// the place is not what the program takes it for, all of it is: a message of gojq may quote it.
type projection struct {
	whole bool            // all of the value
	keys  []keyProjection // of an object
	elems *projection     // of an array, or of all values of an object
	index bool            // elems are asked for by number, which no object has

	node int32 // in the set, for places that are reached by keys alone; else noNode
}

type keyProjection struct {
	name string
	*projection
}

// key is the place of a key. The nil place stands for values that are not in the document, or are read as a whole.
func (r *projection) key(name string) *projection {
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.keys, func(k keyProjection) bool { return k.name == name })
	if i < 0 {
		i = len(r.keys)
		r.keys = append(r.keys, keyProjection{name, &projection{node: noNode}})
	}
	return r.keys[i].projection
}

// everyElem is the place of all elements.
func (r *projection) everyElem(index bool) *projection {
	if r == nil {
		return nil
	}
	if r.elems == nil {
		r.elems = &projection{node: noNode}
	}
	r.index = r.index || index
	return r.elems
}

func (r *projection) includeAll() {
	if r != nil {
		r.whole = true
	}
}

// isPartial reports whether some of an object, or some of an array's elements, is all that is read.
func (r *projection) isPartial(kind Kind) bool {
	switch {
	case r.whole || len(r.keys) > 0 && r.elems != nil:
		return false
	case kind == Object:
		return len(r.keys) > 0 || r.elems != nil && !r.index
	}
	return kind == Array && r.elems != nil
}

// projectionOf says what q reads of the document.
func projectionOf(q *gojq.Query) *projection {
	p := projector{root: &projection{node: noNode}}
	p.queryAll(q, p.root)
	return p.root
}

// elem is what is read of each element; of an array that is read as a whole, all.
func (r *projection) elem() *projection {
	if r.whole {
		return r
	}
	return r.elems
}

// member is what is read of a member of an object, nil for nothing.
func (r *projection) member(key string) *projection {
	if r.whole || r.elems != nil {
		return r.elem()
	}
	for _, k := range r.keys {
		if k.name == key {
			return k.projection
		}
	}
	return nil
}

// isEmpty reports whether the place is never looked at.
func (r *projection) isEmpty() bool { return !r.whole && len(r.keys) == 0 && r.elems == nil }

// locate has the pass over a document note the places that are reached by keys. All programs that read the whole document share one.
func (s *Set) locate(r *projection) *projection {
	if r.whole {
		return wholeDocument
	}
	s.locateKeys(r, s.root)
	return r
}

var wholeDocument = &projection{whole: true}

func (s *Set) locateKeys(r *projection, n *node) {
	r.node = n.id
	if r.isPartial(Object) {
		for _, k := range r.keys {
			s.locateKeys(k.projection, s.field(n, step{name: k.name, key: true}))
		}
	}
}
