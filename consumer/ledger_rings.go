package consumer

import (
	"math/bits"
	"sync"
)

// rings are the rings that no ledger uses. What partitions have in hand comes and goes, and a thousand of them would each keep the largest
// ring they have ever needed.
var rings ringPool

type ringPool struct{ free [bits.UintSize]sync.Pool }

// smallestRing is the length of the ring of a ledger with little in hand.
const smallestRing = 16

// take gives a ring of n entries, a power of two, with anything in them.
func (p *ringPool) take(n int) []entry {
	if ring, ok := p.free[bits.Len(uint(n))].Get().(*[]entry); ok {
		return *ring
	}
	return make([]entry, n)
}

// give takes a ring that is not used any more.
func (p *ringPool) give(ring []entry) {
	if len(ring) > smallestRing {
		p.free[bits.Len(uint(len(ring)))].Put(&ring)
	}
}
