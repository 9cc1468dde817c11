package pipeline

import (
	"fmt"
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// breaker stops the flow when most of what a rule makes fails: then the rule is broken, or a producer has changed its events,
// and dead letters would only move the topic elsewhere. An event counts once for each of its rules, however many of its calls fail.
// Mapping and delivery are counted apart: what a rule cannot make says nothing of what Customer.io takes of it.
type breaker struct {
	share   float64
	windows map[subject]*window
	steps   map[*event.Step]*stepWindows
	last    *stepWindows // the step asked for last
	events  *window      // events as such: those that fail before any rule against all
	stopped *subject
}

// subject names what a record counts: the events of a rule in one stage. The rule is empty for events that fail before any.
type subject struct {
	stage event.Stage
	rule  string
}

func (s subject) String() string {
	if s.rule == "" {
		return "events that cannot be read"
	}
	return "rule " + s.rule + " in " + string(s.stage)
}

// A StoppedError is why the flow has stopped: most of what a rule makes failed in a stage. The rule is empty where most events
// failed before any rule.
type StoppedError struct {
	Rule  string
	Stage event.Stage
}

func (e *StoppedError) Error() string {
	if e.Rule == "" {
		return "stopped, because most events cannot be read; look at the producer and at the topic's envelope, and restart"
	}
	return fmt.Sprintf("stopped, because most of what rule %q makes fails in %s; mend it and restart", e.Rule, e.Stage)
}

// stepWindows are the records of a step's rule, found without comparing names.
type stepWindows struct {
	step              *event.Step
	mapping, delivery *window
}

func (r *stepWindows) in(stage event.Stage) *window {
	if stage == event.StageMapping {
		return r.mapping
	}
	return r.delivery
}

// A window counts the last results.
type window struct {
	of       subject
	results  [windowSize / 64]uint64 // a ring of bits, 1 for a failure
	at       int
	seen     int
	failed   int
	culprits [leastEvents]event.Origin // of the last failures
	culprit  int
}

const (
	windowSize   = 256 // of the last results count
	leastResults = 100 // results there must be
	leastEvents  = 8   // events that must have failed; one that comes again and again, because it is never done, counts once
)

func newBreaker(share float64) breaker {
	b := breaker{share: share, windows: map[subject]*window{}, steps: map[*event.Step]*stepWindows{}}
	b.events = b.window(subject{event.StageMapping, ""})
	return b
}

func (b *breaker) window(of subject) *window {
	r := b.windows[of]
	if r == nil {
		r = &window{of: of}
		b.windows[of] = r
	}
	return r
}

func (b *breaker) step(s *event.Step) *stepWindows {
	if b.last != nil && b.last.step == s {
		return b.last
	}
	r := b.steps[s]
	if r == nil {
		r = &stepWindows{s, b.window(subject{event.StageMapping, s.Rule}), b.window(subject{event.StageDelivery, s.Rule})}
		b.steps[s] = r
	}
	b.last = r
	return r
}

func (r *window) add(failed bool) {
	if !failed && r.failed == 0 && r.seen == windowSize {
		return // one more success among nothing else
	}
	word, bit := r.at/64, uint64(1)<<(r.at%64)
	if r.seen == windowSize && r.results[word]&bit != 0 {
		r.failed--
	}
	r.results[word] &^= bit
	if failed {
		r.results[word] |= bit
		r.failed++
	}
	r.at = (r.at + 1) % windowSize
	r.seen = min(r.seen+1, windowSize)
}

// fail counts an event that failed, unless it is among those that failed last.
func (r *window) fail(o event.Origin) {
	if slices.Contains(r.culprits[:], o) {
		return
	}
	r.culprits[r.culprit] = o
	r.culprit = (r.culprit + 1) % leastEvents
	r.add(true)
}

// read counts an event that reached the rules.
func (b *breaker) read() {
	if b.share > 0 {
		b.events.add(false)
	}
}

// mapped counts what the rules have made of a message, and delivered what came of its calls. Both return a record of which too much has
// failed, when the flow stops here.
func (b *breaker) mapped(msg *message) *subject {
	if len(msg.entries) == 1 && len(msg.failures) == 0 {
		r := b.step(msg.entries[0].step)
		msg.entries[0].windows = r
		b.read()
		r.mapping.add(false)
		return nil
	}
	for i := range msg.entries {
		e := &msg.entries[i]
		e.windows = b.step(e.step)
	}
	failed := b.failed(msg.failures)
	if !slices.Contains(failed, b.events) {
		b.read()
	}
	return b.count(msg, failed, event.StageMapping)
}

func (b *breaker) delivered(msg *message) *subject {
	if len(msg.failures) == 0 && len(msg.entries) == 1 {
		msg.entries[0].windows.delivery.add(false)
		return nil
	}
	var failed []*window
	for i := range msg.failures {
		if msg.failures[i].Stage == event.StageDelivery {
			failed = b.failed(msg.failures[i:]) // they stand behind those of mapping
			break
		}
	}
	return b.count(msg, failed, event.StageDelivery)
}

// count counts a message in the records of its rules, and as failed in those given.
func (b *breaker) count(msg *message, failed []*window, stage event.Stage) *subject {
	if b.share == 0 {
		return nil
	}
	var last *window
	for i := range msg.entries {
		r := msg.entries[i].windows.in(stage)
		if r != last && !slices.Contains(failed, r) { // the calls of a rule stand together
			r.add(false)
		}
		last = r
	}
	for _, r := range failed {
		r.fail(msg.Origin)
		if b.stopped == nil && r.seen >= leastResults && r.failed >= leastEvents && float64(r.failed) > b.share*float64(r.seen) {
			b.stopped = &r.of
			return b.stopped
		}
	}
	return nil
}

// failed gives the records in which failures count, each once.
func (b *breaker) failed(failures []event.Failure) []*window {
	var failed []*window
	for i := range failures {
		f := &failures[i]
		if f.Reason == event.ReasonUnmatched {
			continue // nothing is broken: the configuration wants such events to be dead letters
		}
		r := b.events
		if f.Rule != "" {
			r = b.window(subject{f.Stage, f.Rule})
		}
		if !slices.Contains(failed, r) {
			failed = append(failed, r)
		}
	}
	return failed
}
