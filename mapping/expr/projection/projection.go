package projection

import (
	"slices"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Projection is a place in a document and what a program on gojq reads of it, so that nothing else has to be decoded.
// Where the value at the place is not what the program takes it for, all of it is: a message of gojq may quote it.
type Projection struct {
	whole bool            // all of the value
	keys  []keyProjection // of an object
	elems *Projection     // of an array, or of all values of an object
	index bool            // elems are asked for by number, which no object has

	place int32 // the id, for what is reached by keys alone; else noPlace
}

type keyProjection struct {
	name string
	*Projection
}

// key is the place of a key. The nil place stands for values that are not in the document, or are read as a whole.
func (r *Projection) key(name string) *Projection {
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.keys, func(k keyProjection) bool { return k.name == name })
	if i < 0 {
		i = len(r.keys)
		r.keys = append(r.keys, keyProjection{name, &Projection{place: noPlace}})
	}
	return r.keys[i].Projection
}

// everyElem is the place of all elements.
func (r *Projection) everyElem(index bool) *Projection {
	if r == nil {
		return nil
	}
	if r.elems == nil {
		r.elems = &Projection{place: noPlace}
	}
	r.index = r.index || index
	return r.elems
}

func (r *Projection) includeAll() {
	if r != nil {
		r.whole = true
	}
}

// isPartial reports whether some of an object, or some of an array's elements, is all that is read.
func (r *Projection) isPartial(kind document.Kind) bool {
	switch {
	case r.whole || len(r.keys) > 0 && r.elems != nil:
		return false
	case kind == document.Object:
		return len(r.keys) > 0 || r.elems != nil && !r.index
	}
	return kind == document.Array && r.elems != nil
}

// Of says what q reads of a document, and wants the places of it. All programs that read the whole document share one
// projection.
func Of(s *document.Places, q *gojq.Query) *Projection {
	p := projector{root: &Projection{place: noPlace}}
	p.queryAll(q, p.root)
	if p.root.whole {
		return Whole
	}
	p.root.locate(s, s.Root())
	return p.root
}

// elem is what is read of each element; of an array that is read as a whole, all.
func (r *Projection) elem() *Projection {
	if r.whole {
		return r
	}
	return r.elems
}

// member is what is read of a member of an object, nil for nothing.
func (r *Projection) member(key string) *Projection {
	if r.whole || r.elems != nil {
		return r.elem()
	}
	for _, k := range r.keys {
		if k.name == key {
			return k.Projection
		}
	}
	return nil
}

// isEmpty reports whether the place is never looked at.
func (r *Projection) isEmpty() bool { return !r.whole && len(r.keys) == 0 && r.elems == nil }

// noPlace is for what no pass over a document looks for.
const noPlace = -1

// Whole is the projection of a program that reads all.
var Whole = &Projection{whole: true}

// locate has the pass over a document note the places that are reached by keys alone.
func (r *Projection) locate(s *document.Places, n *document.Place) {
	r.place = n.ID()
	if r.isPartial(document.Object) {
		for _, k := range r.keys {
			next, _ := s.Step(n, document.Step{Name: k.name, Key: true})
			k.locate(s, next)
		}
	}
}
