package memory_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// TestAStuckPartitionLeavesRoomForOthers however much is fetched ahead, also where more has come than was asked for.
func TestAStuckPartitionLeavesRoomForOthers(t *testing.T) {
	for _, fetchLimit := range []int64{500, 1000, 100_000} {
		d := newDesk(1000)
		f := d.Fetching(fetchLimit, nil)
		f.Charge(&memory.Share{Fetching: f}, 1, false)
		other, _ := d.ask(1, 10)
		for range 49 {
			if _, w := d.ask(0, 10); !granted(w) {
				t.Fatalf("a partition waits at %d bytes", d.Mapped())
			}
		}
		d.give(other)
		for f.Reserve(1000, 1) > 0 {
		}
		f.Charge(&memory.Share{Fetching: f}, 1000, true) // what a batch unpacks to
		for i := range int32(10) {
			next, w := d.ask(1+i, 200)
			if !granted(w) {
				t.Fatalf("fetch limit %d: others wait while one is stuck with %d bytes", fetchLimit, d.Mapped())
			}
			d.give(next)
		}
	}
}

// crowd is who holds bytes of a limiter, and who waits for them.
type crowd struct {
	desk
	fetching *memory.Fetching
	shares   [6]memory.Share
	in       []held
	waiting  []waiting
	buffers  []func()
}

type waiting struct {
	held
	*memory.Waiter
}

// act does one thing by chance.
func (c *crowd) act(r *rand.Rand) {
	switch r.IntN(6) {
	case 0, 1:
		m, w := c.ask(int32(r.IntN(len(c.shares))), 1+r.Int64N(400))
		c.waiting = append(c.waiting, waiting{m, w})
	case 2:
		if i := len(c.waiting) - 1; i >= 0 && r.IntN(5) == 0 {
			c.Cancel(c.waiting[i].Waiter)
			c.waiting = c.waiting[:i]
		}
	case 3:
		c.giveOne(r)
	case 4:
		s, n := &c.shares[r.IntN(len(c.shares))], 1+r.Int64N(300)
		if !c.fetching.Allows(s, n) {
			return
		}
		if got := c.fetching.Reserve(n, n/2+1); got > 0 {
			c.fetching.Charge(s, n, false)
			c.fetching.Release(nil, got, false)
			c.buffers = append(c.buffers, func() { c.fetching.Release(s, n, false) })
		}
	case 5:
		if i := len(c.buffers) - 1; i >= 0 {
			c.buffers[i]()
			c.buffers = c.buffers[:i]
		}
	}
	c.takeGranted()
}

func (c *crowd) giveOne(r *rand.Rand) {
	if len(c.in) > 0 {
		i := r.IntN(len(c.in))
		c.give(c.in[i])
		c.in = slices.Delete(c.in, i, i+1)
	}
}

// takeGranted notes who waits no more.
func (c *crowd) takeGranted() {
	c.waiting = slices.DeleteFunc(c.waiting, func(w waiting) bool {
		if granted(w.Waiter) {
			c.in = append(c.in, w.held)
			return true
		}
		return false
	})
}

// TestEverythingIsReleased: messages and fetches come, wait, are given up and go in random order. Nobody waits while
// nothing is mapped, and nothing is left at the end.
func TestEverythingIsReleased(t *testing.T) {
	for seed := range longtest.Either(uint64(20), 100) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := crowd{desk: newDesk(1000)}
		c.fetching = c.Fetching(800, func() {})
		for i := range c.shares {
			c.shares[i].Fetching = c.fetching
		}
		for range 2000 {
			c.act(r)
			if c.Mapped() == 0 && len(c.waiting) > 0 {
				t.Fatalf("seed %d: %d wait while nothing is mapped", seed, len(c.waiting))
			}
		}
		for len(c.in) > 0 {
			c.giveOne(r)
			c.takeGranted()
		}
		for _, release := range c.buffers {
			release()
		}
		if len(c.waiting) > 0 || c.Mapped() != 0 || c.Partitions() != 0 || c.fetching.Reserved() != 0 {
			t.Fatalf("seed %d: %d wait, %d mapped, %d partitions and %d fetched are left", seed, len(c.waiting),
				c.Mapped(), c.Partitions(), c.fetching.Reserved())
		}
	}
}
