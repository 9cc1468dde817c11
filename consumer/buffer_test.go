package consumer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestBufferGoesBackOnce(t *testing.T) {
	w := &FetchBudget{Limit: 1 << 20}
	s := &BudgetShare{Budget: w}
	b := NewBuffer(5000)
	if cap(b.Bytes) != 8192 || len(b.Bytes) != 5000 {
		t.Fatalf("a buffer of %d of %d bytes", len(b.Bytes), cap(b.Bytes))
	}
	b.Charge(s)
	b.Retain()
	b.Release()
	if w.InUse() != 8192 {
		t.Fatalf("%d bytes in use while there is a user", w.InUse())
	}
	b.Release()
	if w.InUse() != 0 {
		t.Fatalf("%d bytes in use after the last user", w.InUse())
	}
	large := NewBuffer(5 << 20)
	large.Charge(s)
	if w.InUse() != 5<<20 {
		t.Fatalf("a buffer beyond the pools counts as %d", w.InUse())
	}
	large.Release()
	if w.InUse() != 0 {
		t.Fatalf("%d bytes are left", w.InUse())
	}
}

func TestWindowKeepsAQuarterForThoseThatHoldNothing(t *testing.T) {
	freed := 0
	w := &FetchBudget{Limit: 1000, OnFree: func() { freed++ }}
	greedy, modest := &BudgetShare{Budget: w}, &BudgetShare{Budget: w}
	taken := int64(0)
	for w.Allows(greedy, 50) {
		w.charge(greedy, 50, false)
		taken += 50
	}
	if taken != 750 {
		t.Fatalf("one partition got %d of 1000", taken)
	}
	if !w.Allows(modest, 200) {
		t.Fatal("nothing was left for the other one")
	}
	if n := w.Reserve(500, 200); n != 250 {
		t.Fatalf("%d bytes were reserved of 250", n)
	}
	if n := w.Reserve(1, 1); n != 0 {
		t.Fatalf("%d bytes were given of none", n)
	}
	w.Release(greedy, taken, false)
	w.Release(nil, 250, false)
	if freed != 1 || w.InUse() != 0 { // once for the refusals before
		t.Fatalf("told %d times, %d in use", freed, w.InUse())
	}
	if w.Reserve(5000, 5000) != 5000 {
		t.Fatal("a fetch larger than the window is never possible")
	}
}

func TestWindowHoldsBackUnpacking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &FetchBudget{Limit: 1000}
		s := &BudgetShare{Budget: w}
		w.charge(s, 2000, false) // full of packed batches
		if err := w.BeginUnpacking(t.Context()); err != nil {
			t.Fatal("not even one may unpack:", err)
		}
		w.charge(s, 500, true)
		w.EndUnpacking()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.BeginUnpacking(ctx); err == nil {
			t.Fatal("a second one was let through a full window")
		}
		go func() {
			time.Sleep(time.Second)
			w.Release(s, 500, true)
		}()
		if err := w.BeginUnpacking(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.EndUnpacking()
		w.Release(s, 2000, false)
		for range unpackers {
			if err := w.BeginUnpacking(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.BeginUnpacking(ctx); err == nil {
			t.Fatal("more unpack at a time than may")
		}
	})
}

// TestKeptBuffersAreBounded, and those of a size that is wanted take the place of others.
func TestKeptBuffersAreBounded(t *testing.T) {
	var k bufferPool
	small, large := smallestClass+2, largestClass
	for range 2 * maxIdleBytes >> small {
		k.put(&Buffer{Bytes: make([]byte, 1<<small)}, small)
	}
	if k.bytes != maxIdleBytes || len(k.free[small-smallestClass]) != maxIdleBytes>>small {
		t.Fatalf("%d bytes in %d buffers", k.bytes, len(k.free[small-smallestClass]))
	}
	k.put(&Buffer{Bytes: make([]byte, 1<<large)}, large)
	if b := k.get(large); b == nil || len(b.Bytes) != 1<<large || k.bytes != maxIdleBytes-1<<large {
		t.Fatalf("got %v, %d bytes are kept", b != nil, k.bytes)
	}
	if k.get(large) != nil {
		t.Fatal("a buffer is given away twice")
	}
	for k.get(small) != nil {
	}
	if k.bytes != 0 {
		t.Fatalf("%d bytes in no buffer", k.bytes)
	}
}
