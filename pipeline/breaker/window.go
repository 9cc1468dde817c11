package breaker

import (
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

const (
	// Window is how many of the last results count.
	Window = 256
	// LeastResults is how many results there must be.
	LeastResults = 100
	// LeastEvents is how many events must have failed. One that comes again and again, because it is never done,
	// counts once.
	LeastEvents = 8
)

// A window counts the last results of a subject.
type window struct {
	of      Subject
	results [Window / 64]uint64 // a ring of bits, 1 for a failure
	at      int
	seen    int
	failed  int
	origins [LeastEvents]event.Origin // of the last failures
	origin  int                       // where the next one goes
}

// add counts a result.
func (w *window) add(failed bool) {
	if !failed && w.failed == 0 && w.seen == Window {
		return // one more success among nothing else
	}
	word, bit := w.at/64, uint64(1)<<(w.at%64)
	if w.seen == Window && w.results[word]&bit != 0 {
		w.failed--
	}
	w.results[word] &^= bit
	if failed {
		w.results[word] |= bit
		w.failed++
	}
	w.at = (w.at + 1) % Window
	w.seen = min(w.seen+1, Window)
}

// fail counts an event that failed, unless it is among those that failed last.
func (w *window) fail(o event.Origin) {
	if slices.Contains(w.origins[:], o) {
		return
	}
	w.origins[w.origin] = o
	w.origin = (w.origin + 1) % LeastEvents
	w.add(true)
}
