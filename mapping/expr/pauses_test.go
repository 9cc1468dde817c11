package expr

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// One pause is the machine's, many that follow each other are the program's, however few its instructions are.
func TestPausesThatFollowEachOtherEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fuel{Context: context.Background()}
		n := 0
		for !f.burn() && n < 1000 {
			time.Sleep(30 * time.Millisecond)
			n++
		}
		if n > lookEvery+10 {
			t.Errorf("the run ended after %d slow instructions", n)
		}
		f = fuel{Context: context.Background()}
		for n := range 10_000 {
			if n == 100 {
				time.Sleep(time.Minute)
			}
			if f.burn() {
				t.Fatalf("a pause of the machine has ended the run at %d", n)
			}
		}
	})
}

// An error over a large object takes gojq some ten milliseconds and no fuel. Where each element of a list runs into one, the event's
// expressions end all the same.
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
	const runs = 5
	for range runs {
		if _, err := ps[0].One(&d); err != nil {
			t.Fatal(err)
		}
	}
	if least := runs * int(time.Millisecond/maxStep); d.used < least {
		t.Errorf("%d runs count as %d steps, want at least %d", runs, d.used, least)
	}
}
