package mapping

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/unmatched"
)

// callBuffer is the memory of a message's only call.
type callBuffer struct {
	call  []event.Call // of length 1
	lanes []event.Lane
	body  []byte
}

// bufferPool keeps the buffers of settled calls for those to come, which spares an allocation for each and keeps them
// in memory that the processor has at hand.
type bufferPool struct {
	mu      sync.Mutex
	buffers []callBuffer
}

const (
	maxPooledBody = 2048 // a larger body is left to the garbage collector
	bodyUnit      = 256  // bodies are made in multiples of it
	bodyOverhead  = 192  // what a call has around the values that come from its event
	maxPooled     = 8192
	poolTransfer  = 32 // buffers that change hands under one lock
)

// Recycle takes back the calls of messages, each as Map gave them, when nobody will look at them again. It is never
// owed.
func (r *Rules) Recycle(settled iter.Seq[[]event.Call]) {
	s := &r.pool
	s.mu.Lock()
	defer s.mu.Unlock()
	for calls := range settled {
		if len(calls) == 1 && cap(calls[0].Body) <= maxPooledBody && len(s.buffers) < maxPooled {
			s.buffers = append(s.buffers, callBuffer{calls, calls[0].Lanes[:0], calls[0].Body[:0]})
			calls[0] = event.Call{}
		}
	}
}

// provide gives the state a buffer for the calls of its message, as large as the events that rules see.
func (p *bufferPool) provide(s *state, size int) {
	s.provided = true
	if s.call == nil {
		if len(s.buffers) == 0 {
			s.buffers = p.some(s.buffers)
		}
		if n := len(s.buffers); n > 0 {
			s.callBuffer, s.buffers = s.buffers[n-1], s.buffers[:n-1]
		} else {
			made := new(struct {
				call  [1]event.Call
				lanes [2]event.Lane
			})
			s.callBuffer = callBuffer{call: made.call[:], lanes: made.lanes[:0]}
		}
	}
	if want := size + bodyOverhead; cap(s.body) < want {
		s.body = make([]byte, 0, (want+bodyUnit-1)/bodyUnit*bodyUnit)
	}
	s.lanes, s.body = s.lanes[:0], s.body[:0]
}

// some moves buffers from the pool to dst, which is empty.
func (p *bufferPool) some(dst []callBuffer) []callBuffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := max(0, len(p.buffers)-poolTransfer)
	dst = append(dst, p.buffers[from:]...)
	clear(p.buffers[from:])
	p.buffers = p.buffers[:from]
	return dst
}

// release lets go of what was found, and of memory that is too large to be kept.
func (w *within) release() {
	if w == nil {
		return
	}
	for _, o := range []*opened{&w.value, &w.document, &w.item} {
		if o.Kept()+cap(o.text) > maxKeptState {
			*o = opened{}
		}
	}
	clear(w.items)
	if w.items = w.items[:0]; cap(w.items) > maxKeptState/64 {
		w.items = nil
	}
}

// newRule makes a rule that has done nothing yet.
func (b *compiler) newRule(r *Rule) *rule {
	if r.Unsent {
		b.out.notes = append(b.out.notes,
			mistake.New(r.place("send"), "the rule makes its calls, and sends none of them"))
	}
	return &rule{name: r.Name, patterns: r.Event, scope: r.IDScope, sends: !r.Unsent, counts: &counts{},
		unfit: &unfits{}, unsent: &atomic.Uint64{}}
}

// withhold takes back what a rule made that sends nothing: its calls are counted, and what fails is no dead letter,
// since nothing that should have been sent is missing.
func (s *state) withhold(r *rule, before savepoint) event.Skip {
	made := len(s.calls) > before.calls || len(s.failures) > before.failures
	r.unsent.Add(uint64(len(s.calls) - before.calls))
	before.remarks = len(s.remarks)
	s.rollBack(before)
	if made {
		return event.SkippedUnsent
	}
	return event.SkippedNoCall
}

// shared is what rules have in common with those that they continue.
type shared struct {
	unmatched unmatched.Types
	skips     skips
	pool      bufferPool
}

// seal makes compiled rules ready for use. Their steps know the hash, so that a failure tells by which rules it was.
func (c *compiled) seal() {
	c.set.Seal()
	c.states.New = c.newState
	for _, r := range c.rules {
		for _, a := range r.actions {
			a.Rules, a.Unsent = c.hash, !r.sends
		}
	}
}

// Continue has rules count on from where others stand, in whose place they are used: those of a name are one rule, and
// what a rule did that is gone is no longer told. Buffers of calls that either made may be brought to both. It must be
// called before the first use, and the other rules may still be in use.
func (r *Rules) Continue(before *Rules) {
	r.shared = before.shared
	byName := map[string]*rule{}
	var timestamps *latest
	for _, old := range before.rules {
		byName[old.name] = old
		for _, a := range old.actions {
			if a.latest != nil {
				timestamps = a.latest
			}
		}
	}
	for _, now := range r.rules {
		old := byName[now.name]
		if old != nil {
			now.counts, now.unfit, now.unsent = old.counts, old.unfit, old.unsent
			now.late.Continue(old.late)
		}
		for _, a := range now.actions {
			a.counts = now.counts
			if a.latest != nil && timestamps != nil {
				a.latest = timestamps
			}
		}
	}
}
