package pipeline

import "github.com/ciobridge/ciobridge/event"

// guard stops the flow when most of what a rule makes fails: then the rule is broken, or a producer has changed its events,
// and dead letters would only move the topic elsewhere. Mapping and delivery are counted apart, because results of the
// second come later than those of the first.
type guard struct {
	share   float64
	records map[guarded]*record
	last    *record // the record asked for last, which is mostly the next one too
	events  *record // events as such: those that fail before any rule against all
	stopped *guarded
}

// guarded names what a record counts: the calls of a rule in one stage. Events that fail before any rule have an empty rule.
type guarded struct {
	stage event.Stage
	rule  string
}

// A record counts the last results.
type record struct {
	of      guarded
	results [guardWindow / 64]uint64 // a ring of bits, 1 for a failure
	at      int
	seen    int
	failed  int
}

// guardWindow is how many of the last results count, and guardLeast how many there must be.
const (
	guardWindow = 256
	guardLeast  = 100
)

func newGuard(share float64) guard {
	g := guard{share: share, records: map[guarded]*record{}}
	g.events = g.record(guarded{event.StageMapping, ""})
	return g
}

func (g *guard) record(of guarded) *record {
	if g.last != nil && g.last.of == of {
		return g.last
	}
	r := g.records[of]
	if r == nil {
		r = &record{of: of}
		g.records[of] = r
	}
	g.last = r
	return r
}

func (r *record) add(failed bool) {
	word, bit := r.at/64, uint64(1)<<(r.at%64)
	if r.seen == guardWindow && r.results[word]&bit != 0 {
		r.failed--
	}
	r.results[word] &^= bit
	if failed {
		r.results[word] |= bit
		r.failed++
	}
	r.at = (r.at + 1) % guardWindow
	r.seen = min(r.seen+1, guardWindow)
}

// read counts an event that reached the rules.
func (g *guard) read() {
	if g.share > 0 {
		g.events.add(false)
	}
}

// pass counts a call that the stage let through.
func (g *guard) pass(stage event.Stage, rule string) {
	if g.share > 0 {
		g.record(guarded{stage, rule}).add(false)
	}
}

// fail counts a failure and reports whether the flow must stop here.
func (g *guard) fail(stage event.Stage, rule string) bool {
	if g.share == 0 {
		return false
	}
	of := guarded{stage, rule}
	r := g.record(of)
	r.add(true)
	if g.stopped == nil && r.seen >= guardLeast && float64(r.failed) > g.share*float64(r.seen) {
		g.stopped = &of
		return true
	}
	return false
}
