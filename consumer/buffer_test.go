package consumer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestBufferGoesBackOnce(t *testing.T) {
	w := &window{limit: 1 << 20}
	s := &share{window: w}
	b := takeBuffer(5000)
	if cap(b.bytes) != 8192 || len(b.bytes) != 5000 {
		t.Fatalf("a buffer of %d of %d bytes", len(b.bytes), cap(b.bytes))
	}
	b.count(s)
	b.retain()
	b.release()
	if w.inUse() != 8192 {
		t.Fatalf("%d bytes in use while there is a user", w.inUse())
	}
	b.release()
	if w.inUse() != 0 {
		t.Fatalf("%d bytes in use after the last user", w.inUse())
	}
	large := takeBuffer(5 << 20)
	large.count(s)
	if w.inUse() != 5<<20 {
		t.Fatalf("a buffer beyond the pools counts as %d", w.inUse())
	}
	large.release()
	if w.inUse() != 0 {
		t.Fatalf("%d bytes are left", w.inUse())
	}
}

func TestWindowKeepsAQuarterForThoseThatHoldNothing(t *testing.T) {
	freed := 0
	w := &window{limit: 1000, freed: func() { freed++ }}
	greedy, modest := &share{window: w}, &share{window: w}
	taken := int64(0)
	for w.allows(greedy, 50) {
		w.take(greedy, 50, false)
		taken += 50
	}
	if taken != 750 {
		t.Fatalf("one partition got %d of 1000", taken)
	}
	if !w.allows(modest, 200) {
		t.Fatal("nothing was left for the other one")
	}
	if n := w.reserve(500, 200); n != 250 {
		t.Fatalf("%d bytes were reserved of 250", n)
	}
	if n := w.reserve(1, 1); n != 0 {
		t.Fatalf("%d bytes were given of none", n)
	}
	w.give(greedy, taken, false)
	w.give(nil, 250, false)
	if freed != 1 || w.inUse() != 0 { // once for the refusals before
		t.Fatalf("told %d times, %d in use", freed, w.inUse())
	}
	if w.reserve(5000, 5000) != 5000 {
		t.Fatal("a fetch larger than the window is never possible")
	}
}

func TestWindowHoldsBackUnpacking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &window{limit: 1000}
		s := &share{window: w}
		w.take(s, 2000, false) // full of packed batches
		if err := w.beginUnpacking(t.Context()); err != nil {
			t.Fatal("not even one may unpack:", err)
		}
		w.take(s, 500, true)
		w.endUnpacking()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.beginUnpacking(ctx); err == nil {
			t.Fatal("a second one was let through a full window")
		}
		go func() {
			time.Sleep(time.Second)
			w.give(s, 500, true)
		}()
		if err := w.beginUnpacking(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.endUnpacking()
		w.give(s, 2000, false)
		for range unpackers {
			if err := w.beginUnpacking(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.beginUnpacking(ctx); err == nil {
			t.Fatal("more unpack at a time than may")
		}
	})
}

// TestKeptBuffersAreBounded, and those of a size that is wanted take the place of others.
func TestKeptBuffersAreBounded(t *testing.T) {
	var k buffers
	small, large := smallestClass+2, largestClass
	for range 2 * keptBytes >> small {
		k.put(&buffer{bytes: make([]byte, 1<<small)}, small)
	}
	if k.bytes != keptBytes || len(k.free[small-smallestClass]) != keptBytes>>small {
		t.Fatalf("%d bytes in %d buffers", k.bytes, len(k.free[small-smallestClass]))
	}
	k.put(&buffer{bytes: make([]byte, 1<<large)}, large)
	if b := k.take(large); b == nil || len(b.bytes) != 1<<large || k.bytes != keptBytes-1<<large {
		t.Fatalf("got %v, %d bytes are kept", b != nil, k.bytes)
	}
	if k.take(large) != nil {
		t.Fatal("a buffer is given away twice")
	}
	for k.take(small) != nil {
	}
	if k.bytes != 0 {
		t.Fatalf("%d bytes in no buffer", k.bytes)
	}
}
