package consumer

import (
	"math/bits"
	"sync"
)

// idleRings are the rings that no tracker uses. How much partitions have in flight comes and goes, and a thousand of
// them would each keep the largest ring they have ever needed.
var idleRings ringPool

type ringPool struct{ free [bits.UintSize]sync.Pool }

// smallestRing is the length of the ring of a tracker with little in flight.
const smallestRing = 16

// get gives a ring of n entries, a power of two, with anything in them.
func (p *ringPool) get(n int) []inFlight {
	if ring, ok := p.free[bits.Len(uint(n))].Get().(*[]inFlight); ok {
		return *ring
	}
	return make([]inFlight, n)
}

// put takes back a ring that is not used any more.
func (p *ringPool) put(ring []inFlight) {
	if len(ring) > smallestRing {
		p.free[bits.Len(uint(len(ring)))].Put(&ring)
	}
}
