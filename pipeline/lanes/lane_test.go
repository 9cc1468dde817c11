package lanes

import (
	"math/rand/v2"
	"testing"

	"github.com/ciobridge/ciobridge/event"
)

// call is a call as its lanes see it.
type call struct{ Node[call] }

func newCall(size int, shares bool, keys ...event.Lane) *call {
	c := &call{}
	c.Node = NewNode(c, keys, size, shares)
	return c
}

// TestLaneCountsItsRun compares what a lane knows of the run at its front with what stands in it, over random
// comings and goings.
func TestLaneCountsItsRun(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ls := NewTable[call]()
	var in []*call
	for range 20_000 {
		if len(in) < 20 && r.IntN(2) == 0 {
			c := newCall(r.IntN(100), r.IntN(4) > 0, 7)
			ls.Join(&c.Node)
			in = append(in, c)
		} else if len(in) > 0 {
			freed := 0
			ls.Leave(&in[0].Node, func(*call) { freed++ })
			if in = in[1:]; freed != min(len(in), 1) {
				t.Fatalf("%d freed with %d left", freed, len(in))
			}
		}
		run, bytes := 0, 0
		for run < len(in) && in[run].Shares() {
			bytes += in[run].Size()
			run++
		}
		l := ls.find(7)
		if l == nil {
			if len(in) > 0 {
				t.Fatal("a lane that holds something is gone")
			}
			continue
		}
		if l.run != run || l.runBytes != bytes || l.sealed != (run < len(in)) {
			t.Fatalf("the lane says %d, %d bytes, sealed %v; want %d, %d bytes of %d", l.run, l.runBytes, l.sealed, run,
				bytes, len(in))
		}
	}
}

// TestLanesThatAreEmptyTakeNoMemory beyond those kept for reuse.
func TestLanesThatAreEmptyTakeNoMemory(t *testing.T) {
	ls := NewTable[call]()
	in := make([]*call, 2*maxFree)
	for i := range in {
		in[i] = newCall(0, false, event.Lane(i))
		ls.Join(&in[i].Node)
	}
	for i := range in {
		ls.Leave(&in[i].Node, nil)
	}
	if ls.Len() != 0 || len(ls.free) != maxFree {
		t.Errorf("%d open, %d free", ls.Len(), len(ls.free))
	}
}
