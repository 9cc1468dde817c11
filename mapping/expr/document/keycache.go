package document

import (
	"encoding/binary"
	"unicode/utf8"
)

// Documents of one publisher have the same keys in the same order. A Document therefore caches the keys of those that
// it has parsed, each with the key that followed it, and compares the next key with the one that it expects. Where
// they are the same, there is nothing to scan, to hash and to look up.
//
// An expected key is compared byte by byte. Every key of an object is either cached, and then marked with the
// object's number when it comes, or on the keyStack. A shape does not grow once an object has put a key on the stack,
// so that no key can be in both, and a key that comes twice is found in either.

// What a Document caches at most, about 1 MiB. The keys of a shape that has more are taken for data, as those of a
// map by id are, and no longer cached.
const (
	maxCachedKeys = 4096
	maxShapeKeys  = 256
	maxSpelling   = 56 // bytes of a key with its quotes, its colon and the white space about them
	maxProbes     = 16 // keys of a shape with about the same hash
)

// keyCache holds the keys of the documents that a Document has parsed.
type keyCache struct {
	places *Places
	object uint32 // the number of the object that was opened last
	count  int    // of the keys, with one for each shape
	root   *shape
}

// shape is what the objects at one place have in common, which is the document, the value of a key, or an element of
// an array: the keys that they had, and the shapes of the values behind them.
type shape struct {
	place   int32        // id, or noPlace
	count   int          // of the keys
	start   cachedKey    // stands before the first
	table   []*cachedKey // by hash, open addressing; its length is a power of two
	dynamic bool         // the keys are data
	rest    *shape       // where place is wanted: of elements that are not; where it is dynamic: of values that are not
	elems   []*shape     // of the wanted elements, by index
}

// cachedKey is a key of a shape. Its spelling is how it was written last, from behind the brace or the comma before
// it to its value.
type cachedKey struct {
	head, tail uint64 // the first and the last eight bytes of the spelling
	mask       uint64 // the bytes of both that count, where the spelling is shorter
	tailAt     uint8
	reach      uint8 // tailAt and eight
	length     uint8 // of the spelling
	nameAt     uint8 // in the spelling
	nameEnd    uint8
	object     uint32        // the number of the last object that had the key
	place      int32         // id, or noPlace
	next       [2]*cachedKey // the keys that came behind it, the last one first
	inside     *shape        // of the key's value; nil until that was an object or an array
	hash       uint64
	spelling   [maxSpelling]byte
}

// begin forgets all where it was learned for other places, or where the numbers run out.
func (m *keyCache) begin(s *Places) {
	if m.places != s || m.object >= 1<<31 {
		*m = keyCache{places: s}
		m.root = m.newShape(s.root.id)
	}
}

// newShape makes a shape, or gives nil where the cache is full.
func (m *keyCache) newShape(place int32) *shape {
	if m.count >= maxCachedKeys {
		return nil
	}
	m.count++
	return &shape{place: place, table: make([]*cachedKey, 8)}
}

// inside gives the shape of the value of a key, which may be nil.
func (m *keyCache) inside(k *cachedKey) *shape {
	if k.inside == nil {
		k.inside = m.newShape(k.place)
	}
	return k.inside
}

// values gives the one shape of all values of a dynamic shape.
func (m *keyCache) values(p *shape) *shape {
	if p.rest == nil {
		p.rest = m.newShape(noPlace)
	}
	return p.rest
}

// rest gives the shape of the elements of an array that nobody wants: all share it, and so do those of arrays inside
// the array.
func (m *keyCache) rest(p *shape) *shape {
	if p == nil || p.place == noPlace {
		return p
	}
	if p.rest == nil {
		p.rest = m.newShape(noPlace)
	}
	return p.rest
}

// elem gives the shape of the element of an array that is wanted as place.
func (m *keyCache) elem(p *shape, index int, place int32) *shape {
	if p == nil {
		return nil
	}
	for len(p.elems) <= index {
		p.elems = append(p.elems, nil)
	}
	if p.elems[index] == nil {
		p.elems[index] = m.newShape(place)
	}
	return p.elems[index]
}

// find gives the key of a shape, or nil.
func (p *shape) find(hash uint64, name []byte) *cachedKey {
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

// learn caches a key that find does not know, or gives nil. Its name stands between two positions of the spelling.
func (m *keyCache) learn(p *shape, hash uint64, spelling []byte, nameAt, nameEnd int) *cachedKey {
	if p.count == maxShapeKeys {
		p.dynamic = true // from the next object on
	}
	if p.dynamic || len(spelling) > maxSpelling || m.count >= maxCachedKeys || p.crowded(hash) ||
		!utf8.Valid(spelling) {
		return nil
	}
	m.count++
	if p.count++; p.count*2 > len(p.table) {
		p.grow()
	}
	k := &cachedKey{hash: hash, place: noPlace}
	if p.place != noPlace {
		k.place = m.places.places[p.place].child(hash, spelling[nameAt:nameEnd])
	}
	k.spell(spelling, nameAt, nameEnd)
	p.put(k)
	return k
}

// crowded reports whether so many keys have about this hash that somebody may have chosen them to be slow to find.
func (p *shape) crowded(hash uint64) bool {
	mask := uint64(len(p.table) - 1)
	for n := range uint64(maxProbes) {
		if p.table[(hash+n)&mask] == nil {
			return false
		}
	}
	return true
}

func (p *shape) grow() {
	old := p.table
	p.table = make([]*cachedKey, 2*len(old))
	for _, k := range old {
		if k != nil {
			p.put(k)
		}
	}
}

func (p *shape) put(k *cachedKey) {
	mask := uint64(len(p.table) - 1)
	i := k.hash & mask
	for p.table[i] != nil {
		i = (i + 1) & mask
	}
	p.table[i] = k
}

// spell notes how the key was written.
func (k *cachedKey) spell(spelling []byte, nameAt, nameEnd int) {
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
func (k *cachedKey) matches(data []byte, i int) bool {
	return i+int(k.reach) <= len(data) && k.ends(data, i) && (k.length <= 16 || k.middle(data, i))
}

// ends reports whether the first and the last eight bytes of the spelling are the same.
func (k *cachedKey) ends(data []byte, i int) bool {
	return ((word(data, i)^k.head)|(word(data, i+int(k.tailAt))^k.tail))&k.mask == 0
}

// middle reports whether what stands between them is the same.
func (k *cachedKey) middle(data []byte, i int) bool {
	return string(data[i+8:i+int(k.tailAt)]) == string(k.spelling[8:k.tailAt])
}

// came notes that the object has the key, and which one it came behind.
func (k *cachedKey) came(object uint32, before *cachedKey) {
	k.object = object
	if before.next[0] != k {
		before.next[0], before.next[1] = k, before.next[0]
	}
}
