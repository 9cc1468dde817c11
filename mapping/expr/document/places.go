package document

import (
	"slices"
)

// Places are what the programs of some rules want of a document, so that one pass over it finds all. They are built
// by one goroutine, and are safe for use by several once they are sealed.
type Places struct {
	root   *Place
	places []*Place // by id
	sealed bool
}

const (
	// Nowhere is the id of a place that no document has.
	Nowhere = 0

	rootPlace = 1  // the document
	noPlace   = -1 // for what no program wants
)

// NewPlaces wants the document itself and nothing in it.
func NewPlaces() *Places {
	s := &Places{}
	s.newPlace(nil, Step{})
	s.root = s.newPlace(nil, Step{})
	return s
}

// Seal ends the building. It is called once, after the last Step and before the first Parse.
func (s *Places) Seal() {
	for _, n := range s.places {
		n.index()
	}
	s.sealed = true
}

// Sealed reports whether the building has ended.
func (s *Places) Sealed() bool { return s.sealed }

// Root is the place of the whole document.
func (s *Places) Root() *Place { return s.root }

// Step wants the place one step from n; ok is false for a step that a pass over a document does not follow, which is
// an index from the end or a large one.
func (s *Places) Step(n *Place, st Step) (next *Place, ok bool) {
	switch {
	case st.Key:
		return s.key(n, st), true
	case st.Index >= 0 && st.Index < maxElem:
		return s.elem(n, st), true
	}
	return nil, false
}

// Step is one step of a path: a key of an object, or an index of an array or string, from the end where negative.
type Step struct {
	Name  string
	Index int
	Key   bool // whether Name counts rather than Index
}

// String is the kind of value that the step is.
func (st Step) String() string {
	if st.Key {
		return "string"
	}
	return "number"
}

// Place is a place in a document that some program wants, or one on the way to it.
type Place struct {
	id     int32
	parent *Place
	step   Step // from parent to here
	fields []field
	table  []field  // fields by hash, open addressing; the length is a power of two, or zero
	elems  []*Place // wanted elements of an array by index; nil where not wanted
}

type field struct {
	hash  uint64
	name  string
	place *Place
}

// maxElem bounds the index of an array element that the pass over the document looks for. Others are found when asked
// for.
const maxElem = 64

func (s *Places) newPlace(parent *Place, st Step) *Place {
	n := &Place{id: int32(len(s.places)), parent: parent, step: st}
	s.places = append(s.places, n)
	return n
}

func (s *Places) key(n *Place, st Step) *Place {
	i := slices.IndexFunc(n.fields, func(f field) bool { return f.name == st.Name })
	if i < 0 {
		i = len(n.fields)
		n.fields = append(n.fields, field{hashKey([]byte(st.Name)), st.Name, s.newPlace(n, st)})
	}
	return n.fields[i].place
}

func (s *Places) elem(n *Place, st Step) *Place {
	for len(n.elems) <= st.Index {
		n.elems = append(n.elems, nil)
	}
	if n.elems[st.Index] == nil {
		n.elems[st.Index] = s.newPlace(n, st)
	}
	return n.elems[st.Index]
}

// ID is the place's number among the places.
func (n *Place) ID() int32 { return n.id }

// Parent is the place one step before n; nil for the document.
func (n *Place) Parent() *Place { return n.parent }

// Step is the step from the parent to n.
func (n *Place) Step() Step { return n.step }

func (n *Place) index() {
	if len(n.fields) == 0 {
		return
	}
	size := 2
	for size < 2*len(n.fields) {
		size *= 2
	}
	n.table = make([]field, size)
	for _, f := range n.fields {
		i := f.hash & uint64(size-1)
		for n.table[i].place != nil {
			i = (i + 1) & uint64(size-1)
		}
		n.table[i] = f
	}
}

// child gives the id of the wanted place of a key, or noPlace.
func (n *Place) child(hash uint64, key []byte) int32 {
	if len(n.table) == 0 {
		return noPlace
	}
	mask := uint64(len(n.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		f := &n.table[i]
		if f.place == nil {
			return noPlace
		}
		if f.hash == hash && f.name == string(key) {
			return f.place.id
		}
	}
}

// elems gives the wanted elements of an array at a place.
func (s *Places) elems(id int32) []*Place {
	if id == noPlace {
		return nil
	}
	return s.places[id].elems
}
