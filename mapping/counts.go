package mapping

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/unmatched"
)

// counts is what a rule has done. Each event counts in one of several stripes, a line of the processor's cache each:
// events are mapped on several cores, which would otherwise wait for each other at every rule.
type counts [4]stripe

type stripe struct {
	matched, skipped, calls, failed, timedOut atomic.Uint64
	longest                                   atomic.Int64 // nanoseconds
	behind, ahead                             atomic.Uint64
}

// clockSkew is how far a timestamp may lie behind the record's time before it counts as one in the future: clocks
// differ.
const clockSkew = time.Minute

// stamped counts the timestamp of an identify that Customer.io will ignore or that will make it ignore others, as far
// as that can be told from the calls before it.
func (s *stripe) stamped(t moment, record time.Time, overtaken bool) {
	if overtaken {
		s.behind.Add(1)
	}
	if !record.IsZero() && t.ms-millis(record) > clockSkew.Milliseconds() {
		s.ahead.Add(1)
	}
}

// latest remembers the latest timestamps of identify calls by person, of as many persons as it has slots. Whoever
// shares a slot with another is forgotten.
type latest struct {
	mu    sync.Mutex
	slots [4096]struct {
		lane event.Lane
		unix int64
	}
}

// overtakes notes the timestamp of a call and reports whether an earlier call of the person had a later one.
func (l *latest) overtakes(lane event.Lane, unix int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	slot := &l.slots[uint64(lane)%uint64(len(l.slots))]
	if slot.lane == lane && slot.unix > unix {
		return true
	}
	slot.lane, slot.unix = lane, unix
	return false
}

// overran counts an event for which a program of the rule ran into its time limit.
func (s *stripe) overran(took time.Duration) {
	s.timedOut.Add(1)
	for longest := s.longest.Load(); int64(took) > longest && !s.longest.CompareAndSwap(longest, int64(took)); {
		longest = s.longest.Load()
	}
}

// stats adds the stripes up.
func (c *counts) stats(rule string) RuleStats {
	out := RuleStats{Rule: rule}
	for i := range c {
		s := &c[i]
		out.Matched += s.matched.Load()
		out.Skipped += s.skipped.Load()
		out.Calls += s.calls.Load()
		out.Failed += s.failed.Load()
		out.TimedOut += s.timedOut.Load()
		out.Behind += s.behind.Load()
		out.Ahead += s.ahead.Load()
		out.Longest = max(out.Longest, time.Duration(s.longest.Load()))
	}
	return out
}

// skips counts skipped events in stripes, as counts does.
type skips [len(counts{})]struct {
	by [event.Skips]atomic.Uint64
	_  [16]byte
}

// skipped counts an event that became neither a call nor a failure.
func (c *compiled) skipped(s *state, why event.Skip) {
	c.skips[s.stripe].by[why].Add(1)
	s.skip = max(s.skip, why)
}

// Skips counts the events that became neither a call nor a failure, by reason.
type Skips struct {
	NoRule    uint64 // no rule names their type
	Condition uint64 // no condition of the rules that name their type held
	NoCall    uint64 // a rule applied, and the conditions or empty lists of its calls left none
	NoEvent   uint64 // records that hold no event
	Unsent    uint64 // rules applied that send nothing
}

// Skips gives the counts since the rules were compiled.
func (r *Rules) Skips() Skips {
	by := func(why event.Skip) (n uint64) {
		for i := range r.skips {
			n += r.skips[i].by[why].Load()
		}
		return n
	}
	return Skips{NoRule: by(event.SkippedNoRule), Condition: by(event.SkippedCondition),
		NoCall: by(event.SkippedNoCall), NoEvent: by(event.SkippedNoEvent), Unsent: by(event.SkippedUnsent)}
}

// Unmatched gives types that no rule names, most events first, and how many events had others.
func (r *Rules) Unmatched() (types []unmatched.Type, others uint64) {
	types, others = r.unmatched.List()
	types = slices.DeleteFunc(types, func(t unmatched.Type) bool { // rules that came later name them
		return slices.ContainsFunc(r.rules, func(rule *rule) bool { return rule.names([]byte(t.Type)) })
	})
	return types, others
}

// Unfit counts the values of one place in a rule that did not fit.
type Unfit struct {
	Rule   string
	Field  string // in the rule
	Member string // of an object that is sent whole: the member's name if it is a word, "*" beyond a number of them
	Reason event.Reason
	Cut    bool // the call has the beginning of the value; else it goes without
	Values uint64
}

// Name is the field, and of an object that is sent whole the member.
func (u *Unfit) Name() string {
	if u.Member == "" {
		return u.Field
	}
	return u.Field + "." + u.Member
}

// Result is what became of the values, in the word that metrics use.
func (u *Unfit) Result() string {
	if u.Cut {
		return string(explain.ValueCut)
	}
	return string(explain.ValueLeftOut)
}

// Unfit gives the counts of values that did not fit, by rule in file order.
func (r *Rules) Unfit() (all []Unfit) {
	for _, rule := range r.rules {
		all = append(all, rule.unfit.list()...)
	}
	return all
}

// unfits are a rule's values that did not fit. Where objects are sent whole the names come from events, and so only
// some of them are told apart.
type unfits struct {
	mu      sync.Mutex
	values  map[Unfit]uint64
	members int
}

// maxMembers is how many members of objects that are sent whole a rule tells apart.
const maxMembers = 20

func (u *unfits) count(remarks []explain.Remark) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range remarks {
		n := &remarks[i]
		if n.Why != explain.ValueLeftOut && n.Why != explain.ValueCut {
			continue
		}
		key := Unfit{Rule: n.Rule, Field: n.Field, Member: n.Member, Reason: n.Reason, Cut: n.Why == explain.ValueCut}
		if !isWord(key.Member) {
			key.Member = ""
		}
		if _, known := u.values[key]; !known && key.Member != "" {
			if u.members++; u.members > maxMembers {
				key.Member = "*"
			}
		}
		if u.values == nil {
			u.values = map[Unfit]uint64{}
		}
		u.values[key]++
	}
}

// isWord reports whether a name has only letters, digits and underscores, as names of attributes mostly have. Others
// may be addresses or numbers of people, which metrics must not show.
func isWord(name string) bool {
	for i, c := range []byte(name) {
		if letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'; !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func (u *unfits) list() (list []Unfit) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, n := range u.values {
		key.Values = n
		list = append(list, key)
	}
	slices.SortFunc(list, func(a, b Unfit) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Member, b.Member), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// Warnings names what is allowed but probably not meant.
func (r *Rules) Warnings() []*mistake.Mistake { return r.warnings }

// Notes says of each call that sends objects whole what it may send.
func (r *Rules) Notes() []*mistake.Mistake { return r.notes }

// Sends is such a note on one call of a rule, and empty for a call that names each value.
func (r *Rules) Sends(rule, call string) string {
	for _, candidate := range r.rules {
		if a := candidate.call(call); candidate.name == rule && a != nil {
			return a.sends
		}
	}
	return ""
}
