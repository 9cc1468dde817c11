package document

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// hashKey spreads keys that differ in length or in their first or last eight bytes. It is the same in every process,
// and decides nothing by itself: whoever finds equal hashes compares the keys.
func hashKey(key []byte) uint64 {
	n := len(key)
	if n >= 8 {
		return mix(binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:]), n)
	}
	var word uint64
	for i, c := range key {
		word |= uint64(c) << (8 * i)
	}
	return mix(word, 0, n)
}

// mix hashes a key of n bytes by its first eight and its last eight; the latter are zero where n is below eight.
func mix(first, last uint64, n int) uint64 {
	hi, lo := bits.Mul64(first^0x9e3779b97f4a7c15, last^uint64(n)^0xbf58476d1ce4e5b9)
	return hi ^ lo
}

// smallObject is the number of keys up to which each new key is compared with those before it. Objects with more are
// checked when they close, by a hash table whose hash no sender can foresee.
const smallObject = 32

// keyStack holds the keys of the objects that are open, to find the one that comes twice.
type keyStack struct {
	data  []byte // the document
	text  []byte // of keys that had escapes
	keys  []seenKey
	table []int32
}

// seenKey is where a key stands: in the document or, where it had escapes, in the stack's text, counted from -1 down.
// It holds no pointer, which keeps the stack out of the garbage collector's sight.
type seenKey struct {
	hash       uint64
	start, end int32
	quote      int32 // where it begins in the document
}

// openKeys is one open object: where its keys begin on the stack, and a set of six bits of their hashes.
type openKeys struct {
	first int
	bits  uint64
}

// maxKept is how much memory for text a document keeps for the next one.
const maxKept = 256 << 10

// maxKeptKeys is how many keys the stack keeps memory for from one document to the next.
const maxKeptKeys = 4096

func (k *keyStack) reset(data []byte) {
	if cap(k.keys) > maxKeptKeys || cap(k.text) > maxKept {
		*k = keyStack{}
	}
	k.data, k.keys, k.text = data, k.keys[:0], k.text[:0]
}

func (k *keyStack) bytes(key seenKey) []byte {
	if key.start < 0 {
		return k.text[^key.start:^key.end]
	}
	return k.data[key.start:key.end]
}

func (k *keyStack) open() openKeys { return openKeys{first: len(k.keys)} }

// maybe reports whether a key with this hash may have come before.
func (o *openKeys) maybe(hash uint64) bool {
	bit := uint64(1) << (hash >> 58)
	before := o.bits&bit != 0
	o.bits |= bit
	return before
}

// repeats reports whether the key came before, as far as can be told before the object closes.
func (k *keyStack) repeats(first int, key seenKey) bool {
	seen := k.keys[first:]
	if len(seen) > smallObject {
		return false
	}
	for i := range seen {
		if seen[i].hash == key.hash && bytes.Equal(k.bytes(seen[i]), k.bytes(key)) {
			return true
		}
	}
	return false
}

var keySeed = maphash.MakeSeed()

// again gives the first of the keys of an object that came before, or nil.
func (k *keyStack) again(keys []seenKey) *seenKey {
	if len(keys) <= smallObject {
		return nil // repeats told
	}
	size := 1 << bits.Len(uint(2*len(keys)))
	if cap(k.table) < size {
		k.table = make([]int32, size)
	}
	table := k.table[:size]
	clear(table)
	for i := range keys {
		key := k.bytes(keys[i])
		at := maphash.Bytes(keySeed, key) & uint64(size-1)
		for table[at] != 0 {
			if bytes.Equal(k.bytes(keys[table[at]-1]), key) {
				return &keys[i]
			}
			at = (at + 1) & uint64(size-1)
		}
		table[at] = int32(i + 1)
	}
	return nil
}

// decode keeps the text of a key with escapes.
func (k *keyStack) decode(raw []byte) seenKey {
	start := len(k.text)
	k.text = AppendUnquoted(k.text, raw)
	return seenKey{hash: hashKey(k.text[start:]), start: ^int32(start), end: ^int32(len(k.text))}
}
