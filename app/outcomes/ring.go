package outcomes

import (
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/persons"
	"github.com/ciobridge/ciobridge/pipeline"
)

// Ring holds the last outcomes. It is made by New; nil is one that holds none.
type Ring struct {
	rules func() string // the hash of the current ones

	mu      sync.Mutex
	records []record
	next    uint64 // counts the outcomes since the start: the next one stands there, modulo the length
}

// mostLanes is how many lanes of a call are kept. Few calls have more than two.
const mostLanes = 4

// record is an outcome as it is held. Its texts are those of rules and topics, which live on anyway.
type record struct {
	at        int64 // unix nanoseconds
	topic     string
	offset    int64
	partition int32
	item      int32
	id        event.ID
	lanes     [mostLanes]event.Lane
	hasLanes  uint8

	kind     kind
	skip     event.Skip
	status   uint16
	request  uint32
	attempts int32
	reason   event.Reason

	rule, call, action, workspace, rules string
}

// kind says what became of a message or a call.
type kind uint8

const (
	accepted kind = iota
	refused
	deadLettered
	skipped
)

// String is the kind as the answer has it.
func (k kind) String() string {
	return [...]string{"accepted", "refused", "dead_lettered", "skipped"}[k]
}

// New makes a ring of so many outcomes; nil for none. Rules gives the hash of the current rules.
func New(size int, rules func() string) *Ring {
	if size == 0 {
		return nil
	}
	return &Ring{rules: rules, records: make([]record, size)}
}

// Record implements pipeline.Recorder.
func (r *Ring) Record(b pipeline.Became) {
	at := Place(b.Message.Origin)
	e := record{at: b.At.UnixNano(), topic: at.Topic, partition: at.Partition, offset: at.Offset}
	if c := b.Call; c != nil {
		e.id, e.item = c.ID, c.Item
		e.hasLanes = uint8(copy(e.lanes[:], c.Lanes))
		s := c.Step
		e.rule, e.call, e.action, e.workspace, e.rules = s.Rule, s.Call, s.Action, s.Workspace, s.Rules
	}
	switch {
	case b.Outcome != nil:
		o := b.Outcome
		e.status, e.request, e.attempts = o.Status, o.Request, int32(b.Attempts)
		if o.Result == event.Refused {
			e.kind, e.reason = refused, event.ReasonRefused
			if o.Failure != nil {
				e.reason = o.Failure.Reason
			}
		}
	case b.Failure != nil:
		f := b.Failure
		e.kind, e.reason, e.status, e.attempts = deadLettered, f.Reason, uint16(f.Status), int32(f.Attempts)
		e.id, e.item, e.rule, e.call, e.rules = f.ID, int32(f.Item), f.Rule, f.Call, f.Rules
	default:
		e.kind, e.skip = skipped, b.Message.Skip
	}
	if e.rules == "" {
		e.rules = r.rules()
	}
	r.mu.Lock()
	r.records[r.next%uint64(len(r.records))] = e
	r.next++
	r.mu.Unlock()
}

// Place is under which origin outcomes of a message are found. Of a stream the sequence counts, however its readers
// divide it.
func Place(o event.Origin) event.Origin {
	if o.Subject != "" {
		o.Partition = 0
	}
	return o
}

// atOnce is how many outcomes are looked at while the lock is held.
const atOnce = 4096

// each gives the outcomes from the latest back to the oldest that stood when it began, until visit says no. What is
// overwritten meanwhile is left out.
func (r *Ring) each(visit func(*record) bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	size := uint64(len(r.records))
	for n, end := uint64(0), r.next; n < min(end, size); n++ {
		if n%atOnce == atOnce-1 {
			r.mu.Unlock()
			r.mu.Lock()
		}
		at := end - 1 - n
		if r.next-at > size {
			return
		}
		if !visit(&r.records[at%size]) {
			return
		}
	}
}

// span is how many outcomes are held, and when the oldest came.
func (r *Ring) span() (held int, oldest time.Time) {
	if r == nil {
		return 0, time.Time{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	size := uint64(len(r.records))
	switch {
	case r.next == 0:
		return 0, time.Time{}
	case r.next <= size:
		return int(r.next), time.Unix(0, r.records[0].at)
	}
	return int(size), time.Unix(0, r.records[r.next%size].at)
}

// limit is how many outcomes can be held.
func (r *Ring) limit() int {
	if r == nil {
		return 0
	}
	return len(r.records)
}

func ofOrigin(o event.Origin) func(*record) bool {
	return func(e *record) bool { return e.offset == o.Offset && e.partition == o.Partition && e.topic == o.Topic }
}

func ofCall(id event.ID) func(*record) bool {
	return func(e *record) bool { return e.id == id }
}

func ofPerson(p *persons.Person) func(*record) bool {
	return func(e *record) bool { return p.Named(e.lanes[:e.hasLanes]) }
}
