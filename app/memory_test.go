package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

// A small heap may double before it is collected, a large one grows by an eighth.
func TestCollectorChooses(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	var c collector
	func() {
		large := make([]byte, 2*smallHeap)
		runtime.GC()
		c.choose()
		if c.percent != collectAt {
			t.Errorf("%d %% with a large heap", c.percent)
		}
		runtime.KeepAlive(large)
	}()
	runtime.GC()
	runtime.GC()
	c.choose()
	if c.percent <= collectAt || c.percent > 100 {
		t.Errorf("%d %% with a small heap", c.percent)
	}
	if got := debug.SetGCPercent(c.percent); got != c.percent && os.Getenv("GOGC") == "" {
		t.Errorf("the collector has %d %%, %d were chosen", got, c.percent)
	}
}
