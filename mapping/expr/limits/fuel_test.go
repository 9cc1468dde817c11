package limits

import (
	"testing"
	"testing/synctest"
	"time"
)

// One pause is the machine's, many that follow each other are the program's, however few its instructions are.
func TestPausesThatFollowEachOtherEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFuel()
		n := 0
		for !f.Burn() && n < 1000 {
			time.Sleep(30 * time.Millisecond)
			n++
		}
		if n > lookEvery+10 {
			t.Errorf("the run ended after %d slow instructions", n)
		}
		f = NewFuel()
		for n := range 10_000 {
			if n == 100 {
				time.Sleep(time.Minute)
			}
			if f.Burn() {
				t.Fatalf("a pause of the machine has ended the run at %d", n)
			}
		}
	})
}
