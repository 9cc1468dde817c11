package expr

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// An error over a large object takes gojq some ten milliseconds and no fuel. Where each element of a list runs into
// one, the event's expressions end all the same.
func TestUnpaidTimeCountsOnTheDocument(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&keys, `"k%x":%d,`, i*7919, i)
	}
	s, ps := sealed(t, []string{`.o | has(1)?`})
	var d Document
	if err := d.Parse(s, []byte(`{"o":{`+keys.String()+`"z":1}}`)); err != nil {
		t.Fatal(err)
	}
	const (
		runs = 5
		step = 20 * time.Nanosecond // what a step is taken to last
	)
	for range runs {
		if _, err := ps[0].One(&d); err != nil {
			t.Fatal(err)
		}
	}
	if least := runs * int(time.Millisecond/step); d.used < least {
		t.Errorf("%d runs count as %d steps, want at least %d", runs, d.used, least)
	}
}
