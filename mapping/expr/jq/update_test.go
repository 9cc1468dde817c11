package jq

import (
	"runtime"
	"testing"
	"weak"

	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// A copy that an assignment has made and let go stays where it is until the assignment ends: a value that came to lie
// in its place would be taken for a copy that nobody has seen, and be changed for all who hold it.
func TestAssignmentKeepsItsCopies(t *testing.T) {
	t.Parallel()
	c := (&machine{fuel: limits.NewFuel()}).newChanges(nil, nil).(*changes)
	v, _ := c.copyArray([]any{1, 2}, 2)
	old := weak.Make(&v[0])
	longer, ok := c.updateArray(v, 5, nil, 3)
	if !ok || len(longer.([]any)) != 6 {
		t.Fatalf("the longer array is %v", longer)
	}
	v = nil
	runtime.GC()
	if old.Value() == nil {
		t.Error("the place of the shorter array is free for others")
	}
	runtime.KeepAlive(c)
}
