package breaker

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Breaker stops a rule when most of what it makes fails, and a topic when most of its events cannot be read. It is made
// by New and is not safe for concurrent use.
type Breaker struct {
	share   float64
	lenient func(rule string) bool // its failures never stop it
	windows map[Subject]*window
	rules   map[*event.Step]*Rule
	last    *Rule   // the one asked for last
	events  *window // of the topic asked for last: events that fail before any rule against all
	stops   *Stops
	hash    string // of the rules in use; empty while they are those of the start
}

// Subject is what results are counted of: the events of a rule in one stage, or those of a topic that fail before any
// rule, for which there is no rule to blame.
type Subject struct {
	Stage event.Stage
	Rule  string
	Topic string // or stream; empty where there is a rule
}

// String names the subject as the log does.
func (s Subject) String() string {
	if s.Rule == "" {
		return "events of " + s.Topic + " that cannot be read"
	}
	return "rule " + s.Rule + " in " + string(s.Stage)
}

// A Rule is where the results of a rule are counted, found without comparing names.
type Rule struct {
	step              *event.Step
	mapping, delivery *window
}

func (r *Rule) in(stage event.Stage) *window {
	if stage == event.StageMapping {
		return r.mapping
	}
	return r.delivery
}

// Message is what is counted of a message: the rules of its calls, one for each call, and what failed of it. The
// failures of mapping stand before those of delivery.
type Message struct {
	Origin   event.Origin
	Rules    iter.Seq[*Rule]
	Failures []event.Failure
}

// New makes a breaker that trips when more than this share of a subject's last results are failures. With a share
// of 0 it never trips. Lenient tells of a rule that it is never stopped over its failures; nil means that none is so.
func New(share float64, lenient func(rule string) bool) *Breaker {
	if lenient == nil {
		lenient = func(string) bool { return false }
	}
	b := &Breaker{share: share, lenient: lenient, windows: map[Subject]*window{}, rules: map[*event.Step]*Rule{}}
	b.events = &window{}
	return b
}

// Stops are what has stopped; nil while nothing has.
func (b *Breaker) Stops() *Stops { return b.stops }

// Stop stops a subject.
func (b *Breaker) Stop(s Subject, why Cause) { b.stops = b.stops.with(Stop{s, why, time.Now()}) }

// Resume lets go on what the function chooses, as if it had never failed. What is in flight of it must be gone.
func (b *Breaker) Resume(chosen func(Stop) bool) {
	b.stops = b.stops.without(chosen)
	clear(b.windows)
	clear(b.rules)
	b.last, b.events = nil, &window{}
}

// Changed says that the rules with this hash are in use from here on. Nothing counts for them of what others with the
// same names have made, or are still making.
func (b *Breaker) Changed(hash string) {
	b.hash = hash
	maps.DeleteFunc(b.windows, func(of Subject, _ *window) bool { return of.Rule != "" })
	clear(b.rules)
	b.last = nil
}

// Former reports whether rules were in use before, and are no more. Those without a hash are never told apart.
func (b *Breaker) Former(hash string) bool { return b.hash != "" && hash != "" && hash != b.hash }

// Rule gives where a step's rule is counted.
func (b *Breaker) Rule(s *event.Step) *Rule {
	if b.last != nil && b.last.step == s {
		return b.last
	}
	r := b.rules[s]
	if r == nil {
		mapping, delivery := Subject{event.StageMapping, s.Rule, ""}, Subject{event.StageDelivery, s.Rule, ""}
		r = &Rule{s, &window{of: mapping}, &window{of: delivery}} // which nobody asks
		if !b.Former(s.Rules) {
			r.mapping, r.delivery = b.window(mapping), b.window(delivery)
		}
		b.rules[s] = r
	}
	b.last = r
	return r
}

// Read counts an event of a topic that reached the rules.
func (b *Breaker) Read(topic string) {
	if b.share > 0 {
		b.eventsOf(topic).add(false)
	}
}

// eventsOf is where the events of a topic are counted as such.
func (b *Breaker) eventsOf(topic string) *window {
	if b.events.of.Topic != topic || b.events.of.Stage == "" {
		b.events = b.window(Subject{event.StageMapping, "", topic})
	}
	return b.events
}

// OneMapped counts a message of a topic of which a rule made one call, and nothing failed.
func (b *Breaker) OneMapped(topic string, r *Rule) {
	b.Read(topic)
	r.mapping.add(false)
}

// OneDelivered counts a message of one call that was delivered.
func (b *Breaker) OneDelivered(r *Rule) { r.delivery.add(false) }

// Mapped counts what the rules have made of a message. It returns what the breaker trips over, if it does.
func (b *Breaker) Mapped(m Message) *Subject {
	failed := b.failed(&m, m.Failures)
	if !slices.Contains(failed, b.eventsOf(m.Origin.Topic)) {
		b.Read(m.Origin.Topic)
	}
	return b.count(m, failed, event.StageMapping)
}

// Delivered counts what came of a message's calls. It returns what the breaker trips over, if it does.
func (b *Breaker) Delivered(m Message) *Subject {
	var failed []*window
	for i := range m.Failures {
		if m.Failures[i].Stage == event.StageDelivery {
			failed = b.failed(&m, m.Failures[i:])
			break
		}
	}
	return b.count(m, failed, event.StageDelivery)
}

// count counts a message for its rules, and as failed in the windows given.
func (b *Breaker) count(m Message, failed []*window, stage event.Stage) *Subject {
	if b.share == 0 {
		return nil
	}
	var last *window
	for r := range m.Rules {
		w := r.in(stage)
		if w != last && !slices.Contains(failed, w) { // the calls of a rule stand together
			w.add(false)
		}
		last = w
	}
	var stopped *Subject
	for _, w := range failed {
		w.fail(m.Origin)
		if w.seen >= LeastResults && w.failed >= LeastEvents && float64(w.failed) > b.share*float64(w.seen) &&
			!b.stops.Has(w.of) && !b.lenient(w.of.Rule) {
			b.Stop(w.of, Failing)
			stopped = &w.of
		}
	}
	return stopped
}

// failed gives the windows in which failures count, each once. A message that holds several events has failed in one
// only where most of those have: one bad event in each of a hundred lists breaks nothing.
func (b *Breaker) failed(m *Message, failures []event.Failure) []*window {
	var failed []*window
	several := false
	for i := range failures {
		w := b.windowOf(m, &failures[i])
		if w != nil && !slices.Contains(failed, w) {
			failed = append(failed, w)
		}
		several = several || failures[i].Item > 0
	}
	if several {
		failed = slices.DeleteFunc(failed, func(w *window) bool { return !b.mostFailed(m, failures, w) })
	}
	return failed
}

// windowOf gives the window in which a failure counts, or nil.
func (b *Breaker) windowOf(m *Message, f *event.Failure) *window {
	switch {
	case f.Reason == event.ReasonUnmatched, f.Reason == event.ReasonErased, f.Reason == event.ReasonTooLate:
		return nil // nothing is broken: the configuration wants such events to be dead letters
	case f.Rule == "":
		return b.eventsOf(m.Origin.Topic)
	case b.Former(f.Rules):
		return nil
	}
	return b.window(Subject{Stage: f.Stage, Rule: f.Rule})
}

// mostFailed reports whether more events of a message failed in a window than did not, as far as is known: of those of
// which nothing was made, only the ones before one that failed.
func (b *Breaker) mostFailed(m *Message, failures []event.Failure, w *window) bool {
	bad, good, last := 0, 0, 0
	for i := range failures {
		f := &failures[i]
		if last = max(last, f.Item); b.windowOf(m, f) != w {
			continue
		}
		if f.Item == 0 {
			return true
		}
		bad++
	}
	for r := range m.Rules {
		if w.of.Rule == "" || r.mapping == w || r.delivery == w {
			good++
		}
	}
	if w.of.Rule == "" {
		good = max(good, last-bad)
	}
	return bad > good
}

func (b *Breaker) window(of Subject) *window {
	w := b.windows[of]
	if w == nil {
		w = &window{of: of}
		b.windows[of] = w
	}
	return w
}
