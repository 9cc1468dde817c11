package internal_test

import (
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/shop"
)

func TestShopIsRepeatable(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	a, b, other := shop.New(7, at), shop.New(7, at), shop.New(8, at)
	same := 0
	for range 1000 {
		x, y, z := a.Next(), b.Next(), other.Next()
		if x.Subject != y.Subject || string(x.Value) != string(y.Value) {
			t.Fatalf("one seed gives %s and %s", x.Value, y.Value)
		}
		if string(x.Value) == string(z.Value) {
			same++
		}
	}
	if same > 10 {
		t.Errorf("another seed gives %d equal events of 1000", same)
	}
}
