package people

import "github.com/ciobridge/ciobridge/event"

const (
	words    = 1 << 18 // of 64 bits in one generation: 2 MiB
	hashes   = 4
	capacity = 1_000_000 // lanes in one generation, of which then one in fifty is taken for another
)

// filter is a Bloom filter of two generations. When the newer one is full it becomes the older one, and what only that
// had is forgotten. What is asked for again moves into the newer one.
type filter struct {
	newer, older *[words]uint64
	added        int // to the newer one
}

func newFilter() *filter { return &filter{newer: &[words]uint64{}, older: &[words]uint64{}} }

// has reports whether a lane was added, and keeps it from being forgotten.
func (f *filter) has(lane event.Lane) bool {
	if in(f.newer, lane) {
		return true
	}
	if !in(f.older, lane) {
		return false
	}
	f.add(lane)
	return true
}

func (f *filter) add(lane event.Lane) {
	if f.added == capacity {
		f.newer, f.older = f.older, f.newer
		clear(f.newer[:])
		f.added = 0
	}
	f.added++
	for i := range uint64(hashes) {
		word, bit := place(lane, i)
		f.newer[word] |= bit
	}
}

func in(bits *[words]uint64, lane event.Lane) bool {
	for i := range uint64(hashes) {
		if word, bit := place(lane, i); bits[word]&bit == 0 {
			return false
		}
	}
	return true
}

// place is the i-th place of a lane, whose key is a hash already.
func place(lane event.Lane, i uint64) (word, bit uint64) {
	h := uint64(lane) + i*(uint64(lane)>>29|1)*0x9e3779b97f4a7c15
	h ^= h >> 32
	return h / 64 % words, 1 << (h % 64)
}
