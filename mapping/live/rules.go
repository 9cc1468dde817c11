package live

import (
	"iter"
	"maps"
	"sync/atomic"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// Rules are the rules of a running bridge. They are made by New, and are safe for use by several goroutines.
type Rules struct{ current atomic.Pointer[version] }

type version struct {
	*mapping.Rules
	generation int
	hashes     map[string]int // the generations of late, by the hash of their rules
}

// New makes rules of the first generation.
func New(first *mapping.Rules) *Rules {
	r := &Rules{}
	r.current.Store(&version{first, 1, map[string]int{first.Hash(): 1}})
	return r
}

// Now are the current rules. Who reads several things about them asks once, because others may come in between.
func (r *Rules) Now() *mapping.Rules { return r.current.Load().Rules }

// Current are the current rules and their generation, which counts the rules since the start, from 1.
func (r *Rules) Current() (rules *mapping.Rules, generation int) {
	v := r.current.Load()
	return v.Rules, v.generation
}

// remembered is of how many generations the hash is known.
const remembered = 100

// Generation is that of the rules with a hash, the latest if there were several; 0 where it is none of the last
// hundred.
func (r *Rules) Generation(hash string) int { return r.current.Load().hashes[hash] }

// Exchange puts rules that nobody has used yet in place of the current ones. Messages that are being mapped become what
// the rules make of them that they began with.
func (r *Rules) Exchange(next *mapping.Rules) {
	before := r.current.Load()
	next.Continue(before.Rules)
	v := &version{next, before.generation + 1, maps.Clone(before.hashes)}
	v.hashes[next.Hash()] = v.generation
	maps.DeleteFunc(v.hashes, func(_ string, of int) bool { return v.generation-of >= remembered })
	r.current.Store(v)
}

// Map maps a message by the current rules, as a pipeline wants it.
func (r *Rules) Map(m *event.Message) ([]event.Call, []event.Failure) { return r.current.Load().Map(m) }

// Recycle takes back the calls of messages, whatever rules made them.
func (r *Rules) Recycle(settled iter.Seq[[]event.Call]) { r.current.Load().Recycle(settled) }

// Policy is what the author of a rule says of it as a whole, by the current rules.
func (r *Rules) Policy(rule string) event.RulePolicy { return r.current.Load().Policy(rule) }

// Forms are those of the values and keys of a topic or stream.
func (r *Rules) Forms(topic string) event.Forms { return r.current.Load().Forms(topic) }
