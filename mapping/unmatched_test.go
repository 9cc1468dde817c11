package mapping_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/mapping/unmatched"
)

// What is counted in several tables at once is one list, most events first.
func TestTypesAreCountedOnce(t *testing.T) {
	var types unmatched.Types
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 100 {
				types.Add(n, []byte("often"), int64(1000*(n+1)+i))
			}
			types.Add(n, []byte("seldom"), 0)
		})
	}
	all.Wait()
	list, others := types.List()
	want := []unmatched.Type{
		{Type: "often", Events: 800, First: time.UnixMilli(1000).UTC(), Last: time.UnixMilli(8099).UTC()},
		{Type: "seldom", Events: 8},
	}
	if !slices.Equal(list, want) || others != 0 {
		t.Errorf("got %+v and %d others", list, others)
	}
}

// Types come from events: neither many of them nor long ones take memory without end, and no event goes uncounted.
func TestTypesAreBounded(t *testing.T) {
	var types unmatched.Types
	for i := range 10_000 {
		types.Add(i, fmt.Appendf(nil, "type-%d", i), 1)
	}
	list, others := types.List()
	if len(list) != unmatched.MaxTypes || others != 10_000-unmatched.MaxTypes {
		t.Errorf("got %d types and %d others", len(list), others)
	}
	types = unmatched.Types{}
	for _, typ := range []string{strings.Repeat("é", 1<<20), strings.Repeat("é", 51), "\xff"} {
		types.Add(0, []byte(typ), 1)
	}
	list, _ = types.List()
	if len(list) != 2 || list[0].Events != 2 || list[0].Type != strings.Repeat("é", 50)+"…" ||
		!utf8.ValidString(list[1].Type) {
		t.Errorf("got %+v", list)
	}
}

func BenchmarkAdd(b *testing.B) {
	var types unmatched.Types
	typ := []byte("shop.order.viewed")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			types.Add(0, typ, 1)
		}
	})
}
