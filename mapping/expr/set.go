package expr

import "slices"

// Set holds every program of the loaded rules, so that one pass over a document finds all that they read. It is built by one
// goroutine and is safe for use by several once it is sealed.
type Set struct {
	root   *node
	nodes  []*node // by id
	sealed bool
}

const (
	nowhere  = 0  // a node that no document has
	rootNode = 1  // the document
	noNode   = -1 // for what no program wants
)

// NewSet gives an empty set.
func NewSet() *Set {
	s := &Set{}
	s.newNode(nil, step{})
	s.root = s.newNode(nil, step{})
	return s
}

// Compile adds a program. Vars are the names of the variables that it may use, without the dollar sign. An error is a
// *CompileError.
func (s *Set) Compile(src string, vars ...string) (*Program, error) {
	if s.sealed {
		panic("expr: Compile after Seal")
	}
	return compile(s, src, vars)
}

// Seal ends the building of the set. It is called once, after the last Compile and before the first Parse.
func (s *Set) Seal() {
	for _, n := range s.nodes {
		n.index()
	}
	s.sealed = true
}

// node is a place in a document that some program wants, or one on the way to it.
type node struct {
	id     int32
	parent *node
	step   step // from parent to here
	fields []field
	table  []field // fields by hash, open addressing; the length is a power of two, or zero
	elems  []*node // wanted elements of an array by index; nil where not wanted
}

type field struct {
	hash uint64
	name string
	node *node
}

// maxElem bounds the index of an array element that the pass over the document looks for. Others are found when asked for.
const maxElem = 64

func (s *Set) newNode(parent *node, st step) *node {
	n := &node{id: int32(len(s.nodes)), parent: parent, step: st}
	s.nodes = append(s.nodes, n)
	return n
}

func (s *Set) field(n *node, st step) *node {
	i := slices.IndexFunc(n.fields, func(f field) bool { return f.name == st.name })
	if i < 0 {
		i = len(n.fields)
		n.fields = append(n.fields, field{hashKey([]byte(st.name)), st.name, s.newNode(n, st)})
	}
	return n.fields[i].node
}

func (s *Set) elem(n *node, st step) *node {
	for len(n.elems) <= st.index {
		n.elems = append(n.elems, nil)
	}
	if n.elems[st.index] == nil {
		n.elems[st.index] = s.newNode(n, st)
	}
	return n.elems[st.index]
}

func (n *node) index() {
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
		for n.table[i].node != nil {
			i = (i + 1) & uint64(size-1)
		}
		n.table[i] = f
	}
}

// child gives the wanted node of a key, or noNode.
func (n *node) child(hash uint64, key []byte) int32 {
	if len(n.table) == 0 {
		return noNode
	}
	mask := uint64(len(n.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		f := &n.table[i]
		if f.node == nil {
			return noNode
		}
		if f.hash == hash && f.name == string(key) {
			return f.node.id
		}
	}
}

// elems gives the wanted elements of an array at a node.
func (s *Set) elems(id int32) []*node {
	if id == noNode {
		return nil
	}
	return s.nodes[id].elems
}
