package pipeline

import (
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// guard stops the flow when most of what a rule makes fails: then the rule is broken, or a producer has changed its events,
// and dead letters would only move the topic elsewhere. An event counts once for each of its rules, however many of its calls fail.
// Mapping and delivery are counted apart: what a rule cannot make says nothing of what Customer.io takes of it.
type guard struct {
	share   float64
	records map[guarded]*record
	steps   map[*event.Step]*stepRecords
	last    *stepRecords // the step asked for last
	events  *record      // events as such: those that fail before any rule against all
	stopped *guarded
}

// guarded names what a record counts: the events of a rule in one stage. The rule is empty for events that fail before any.
type guarded struct {
	stage event.Stage
	rule  string
}

func (g guarded) String() string {
	if g.rule == "" {
		return "events that cannot be read"
	}
	return "rule " + g.rule + " in " + string(g.stage)
}

// stepRecords are the records of a step's rule, found without comparing names.
type stepRecords struct {
	step              *event.Step
	mapping, delivery *record
}

func (r *stepRecords) in(stage event.Stage) *record {
	if stage == event.StageMapping {
		return r.mapping
	}
	return r.delivery
}

// A record counts the last results.
type record struct {
	of       guarded
	results  [guardWindow / 64]uint64 // a ring of bits, 1 for a failure
	at       int
	seen     int
	failed   int
	culprits [guardDistinct]event.Origin // of the last failures
	culprit  int
}

const (
	guardWindow   = 256 // of the last results count
	guardLeast    = 100 // results there must be
	guardDistinct = 8   // events that must have failed; one that comes again and again, because it is never done, counts once
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

// fail counts an event that failed, unless it is among those that failed last.
func (r *record) fail(o event.Origin) {
	if slices.Contains(r.culprits[:], o) {
		return
	}
	r.culprits[r.culprit] = o
	r.culprit = (r.culprit + 1) % guardDistinct
	r.add(true)
}

// read counts an event that reached the rules.
func (g *guard) read() {
	if g.share > 0 {
		g.events.add(false)
	}
}

// mapped counts what the rules have made of a message, and delivered what came of its calls. Both return a record of which too much has
// failed, when the flow stops here.
func (g *guard) mapped(pc *parcel) *guarded {
	if len(pc.entries) == 1 && len(pc.failures) == 0 {
		r := g.step(pc.entries[0].step)
		pc.entries[0].records = r
		g.read()
		r.mapping.add(false)
		return nil
	}
	for i := range pc.entries {
		e := &pc.entries[i]
		e.records = g.step(e.step)
	}
	failed := g.failed(pc.failures)
	if !slices.Contains(failed, g.events) {
		g.read()
	}
	return g.count(pc, failed, event.StageMapping)
}

func (g *guard) delivered(pc *parcel) *guarded {
	if len(pc.failures) == 0 && len(pc.entries) == 1 {
		pc.entries[0].records.delivery.add(false)
		return nil
	}
	var failed []*record
	for i := range pc.failures {
		if pc.failures[i].Stage == event.StageDelivery {
			failed = g.failed(pc.failures[i:]) // they stand behind those of mapping
			break
		}
	}
	return g.count(pc, failed, event.StageDelivery)
}

// count counts a message in the records of its rules, and as failed in those given.
func (g *guard) count(pc *parcel, failed []*record, stage event.Stage) *guarded {
	if g.share == 0 {
		return nil
	}
	var last *record
	for i := range pc.entries {
		r := pc.entries[i].records.in(stage)
		if r != last && !slices.Contains(failed, r) { // the calls of a rule stand together
			r.add(false)
		}
		last = r
	}
	for _, r := range failed {
		r.fail(pc.msg.Origin)
		if g.stopped == nil && r.seen >= guardLeast && r.failed >= guardDistinct && float64(r.failed) > g.share*float64(r.seen) {
			g.stopped = &r.of
			return g.stopped
		}
	}
	return nil
}

// failed gives the records in which failures count, each once.
func (g *guard) failed(failures []event.Failure) []*record {
	var failed []*record
	for i := range failures {
		f := &failures[i]
		if f.Reason == event.ReasonUnmatched {
			continue // nothing is broken: the configuration wants such events to be dead letters
		}
		r := g.events
		if f.Rule != "" {
			r = g.record(guarded{f.Stage, f.Rule})
		}
		if !slices.Contains(failed, r) {
			failed = append(failed, r)
		}
	}
	return failed
}
