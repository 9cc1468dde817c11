package pipeline

import "github.com/ciobridge/ciobridge/event"

// guard stops the flow when most of what a rule makes fails: then the rule is broken, or a producer has changed its events,
// and dead letters would only move the topic elsewhere. Mapping and delivery are counted apart, because results of the
// second come later than those of the first.
type guard struct {
	share   float64
	records map[guarded]*record
	steps   map[*event.Step]*stepRecords
	last    *stepRecords // the step asked for last
	events  *record      // events as such: those that fail before any rule against all
	stopped *guarded
}

// guarded names what a record counts: the calls of a rule in one stage. Events that fail before any rule have an empty rule.
type guarded struct {
	stage event.Stage
	rule  string
}

// stepRecords are the records of a step's rule, found without comparing names.
type stepRecords struct {
	step              *event.Step
	mapping, delivery *record
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
	g := guard{share: share, records: map[guarded]*record{}, steps: map[*event.Step]*stepRecords{}}
	g.events = g.record(guarded{event.StageMapping, ""})
	return g
}

func (g *guard) record(of guarded) *record {
	r := g.records[of]
	if r == nil {
		r = &record{of: of}
		g.records[of] = r
	}
	return r
}

func (g *guard) step(s *event.Step) *stepRecords {
	if g.last != nil && g.last.step == s {
		return g.last
	}
	r := g.steps[s]
	if r == nil {
		r = &stepRecords{s, g.record(guarded{event.StageMapping, s.Rule}), g.record(guarded{event.StageDelivery, s.Rule})}
		g.steps[s] = r
	}
	g.last = r
	return r
}

func (r *record) add(failed bool) {
	if !failed && r.failed == 0 && r.seen == guardWindow {
		return // one more success among nothing else
	}
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

// mapped counts a call that was made, and gives the records of its step, in which delivered counts.
func (g *guard) mapped(s *event.Step) *stepRecords {
	r := g.step(s)
	r.mapping.add(false)
	return r
}

// delivered counts a call that was delivered.
func (r *stepRecords) delivered() { r.delivery.add(false) }

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
