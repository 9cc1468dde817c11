package expr

import (
	"encoding/binary"
	"unicode/utf8"
)

// Documents of one publisher have the same keys in the same order. A Document therefore remembers the keys of those that it has
// parsed, each with the key that came behind it, and compares the next key with the one that it expects. Where that is the one, there
// is nothing to scan, to hash and to look up.
//
// Nothing is taken on trust: an expected key is compared byte by byte, and every key of an object is either known, and then marked
// with the object's number when it comes, or on the keyStack. What is known of a place does not grow once one of its keys went to
// the stack, so that no key can be in both, and one that comes twice is found in either.

// What a Document remembers at most, about 1 MiB. The keys of a place that has more are taken for data, as those of a map by id are, and
// no longer looked at.
const (
	maxKnownKeys = 4096
	maxPlaceKeys = 256
	maxSpelling  = 56 // bytes of a key with its quotes, its colon and the white space about them
	maxProbes    = 16 // keys of a place with about the same hash
)

// known is what a Document remembers.
type known struct {
	set    *Set
	object uint32 // the number of the object that was opened last
	count  int    // of the keys, with one for each place
	root   *place
}

// place is where objects stand: the document, the value of a key, or an element of an array.
type place struct {
	node  int32       // in the set, or noNode
	count int         // of the keys
	start knownKey    // stands before the first
	table []*knownKey // by hash, open addressing; its length is a power of two
	wild  bool        // the keys are data
	rest  *place      // where node is wanted: of elements that are not; where it is wild: of values that are not
	elems []*place    // of the wanted elements, by index
}

// knownKey is a key of a place. Its spelling is how it was written last, from behind the brace or the comma before it to its value.
type knownKey struct {
	head, tail uint64 // the first and the last eight bytes of the spelling
	mask       uint64 // the bytes of both that count, where the spelling is shorter
	tailAt     uint8
	reach      uint8 // tailAt and eight
	length     uint8 // of the spelling
	nameAt     uint8 // in the spelling
	nameEnd    uint8
	object     uint32       // the number of the last object that had the key
	node       int32        // in the set, or noNode
	next       [2]*knownKey // the keys that came behind it, the last one first
	inside     *place       // of the key's value; nil until that was an object or an array
	hash       uint64
	spelling   [maxSpelling]byte
}

// begin forgets all where it was learned for another set, or where the numbers run out.
func (m *known) begin(s *Set) {
	if m.set != s || m.object >= 1<<31 {
		*m = known{set: s}
		m.root = m.place(s.root.id)
	}
}

// place makes a place, or gives nil where too much is known.
func (m *known) place(node int32) *place {
	if m.count >= maxKnownKeys {
		return nil
	}
	m.count++
	return &place{node: node, table: make([]*knownKey, 8)}
}

// inside gives the place of the value of a key, which may be nil.
func (m *known) inside(k *knownKey) *place {
	if k.inside == nil {
		k.inside = m.place(k.node)
	}
	return k.inside
}

// values gives the place of all values of a wild place.
func (m *known) values(p *place) *place {
	if p.rest == nil {
		p.rest = m.place(noNode)
	}
	return p.rest
}

// rest gives the place of the elements of an array that nobody wants: all share it, and so do those of arrays inside the array.
func (m *known) rest(p *place) *place {
	if p == nil || p.node == noNode {
		return p
	}
	if p.rest == nil {
		p.rest = m.place(noNode)
	}
	return p.rest
}

// elem gives the place of the element of an array that is wanted as node.
func (m *known) elem(p *place, index int, node int32) *place {
	if p == nil {
		return nil
	}
	for len(p.elems) <= index {
		p.elems = append(p.elems, nil)
	}
	if p.elems[index] == nil {
		p.elems[index] = m.place(node)
	}
	return p.elems[index]
}

// find gives the key of a place, or nil.
func (p *place) find(hash uint64, name []byte) *knownKey {
	if p == nil {
		return nil
	}
	mask := uint64(len(p.table) - 1)
	for i := hash & mask; p.table[i] != nil; i = (i + 1) & mask {
		if k := p.table[i]; k.hash == hash && string(k.spelling[k.nameAt:k.nameEnd]) == string(name) {
			return k
		}
	}
	return nil
}

// learn remembers a key that find does not know, or gives nil. Its name stands between two places of the spelling.
func (m *known) learn(p *place, hash uint64, spelling []byte, nameAt, nameEnd int) *knownKey {
	if p.count == maxPlaceKeys {
		p.wild = true // from the next object on
	}
	if p.wild || len(spelling) > maxSpelling || m.count >= maxKnownKeys || p.crowded(hash) || !utf8.Valid(spelling) {
		return nil
	}
	m.count++
	if p.count++; p.count*2 > len(p.table) {
		p.grow()
	}
	k := &knownKey{hash: hash, node: noNode}
	if p.node != noNode {
		k.node = m.set.nodes[p.node].child(hash, spelling[nameAt:nameEnd])
	}
	k.spell(spelling, nameAt, nameEnd)
	p.put(k)
	return k
}

// crowded reports whether so many keys have about this hash that somebody may have chosen them to be slow to find.
func (p *place) crowded(hash uint64) bool {
	mask := uint64(len(p.table) - 1)
	for n := range uint64(maxProbes) {
		if p.table[(hash+n)&mask] == nil {
			return false
		}
	}
	return true
}

func (p *place) grow() {
	old := p.table
	p.table = make([]*knownKey, 2*len(old))
	for _, k := range old {
		if k != nil {
			p.put(k)
		}
	}
}

func (p *place) put(k *knownKey) {
	mask := uint64(len(p.table) - 1)
	i := k.hash & mask
	for p.table[i] != nil {
		i = (i + 1) & mask
	}
	p.table[i] = k
}

// spell notes how the key was written.
func (k *knownKey) spell(spelling []byte, nameAt, nameEnd int) {
	if len(spelling) > maxSpelling {
		return
	}
	n := copy(k.spelling[:], spelling)
	k.length, k.nameAt, k.nameEnd = uint8(n), uint8(nameAt), uint8(nameEnd)
	k.tailAt, k.mask = uint8(max(n-8, 0)), ^uint64(0)
	k.reach = k.tailAt + 8
	if n < 8 {
		k.mask = 1<<(8*n) - 1
	}
	k.head = binary.LittleEndian.Uint64(k.spelling[:])
	k.tail = binary.LittleEndian.Uint64(k.spelling[k.tailAt:])
}

// matches reports whether the key stands at i as it was written last.
func (k *knownKey) matches(data []byte, i int) bool {
	return i+int(k.reach) <= len(data) && k.ends(data, i) && (k.length <= 16 || k.middle(data, i))
}

// ends reports whether the first and the last eight bytes of the spelling are the same.
func (k *knownKey) ends(data []byte, i int) bool {
	return ((word(data, i)^k.head)|(word(data, i+int(k.tailAt))^k.tail))&k.mask == 0
}

// middle reports whether what stands between them is the same.
func (k *knownKey) middle(data []byte, i int) bool {
	return string(data[i+8:i+int(k.tailAt)]) == string(k.spelling[8:k.tailAt])
}

// came notes that the object has the key, and which one it came behind.
func (k *knownKey) came(object uint32, before *knownKey) {
	k.object = object
	if before.next[0] != k {
		before.next[0], before.next[1] = k, before.next[0]
	}
}
