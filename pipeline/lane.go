package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// An entry is one call in hand.
type entry struct {
	call    *event.Call
	message *message

	// link is the entry's place in its lane; more holds the places of a call with several lanes. A call without lanes has none.
	// What a sender looks at when it passes along a lane stands beside it, in one line of the processor's cache.
	link   link
	behind int32 // lanes in which something stands before the entry
	limit  int32 // a suspect travels in requests of at most so many calls; 0 means no suspicion
	size   int32 // bytes that the call adds to a request
	lanes  int32 // of the call
	state  state
	run    bool // may share a request with its neighbours in its one lane
	single bool // cannot travel in a batch

	lane    event.Lane // the call's first; like its size and its step it stands here because the call itself is in the reader's caches
	step    *event.Step
	more    []link
	windows *stepWindows // of the breaker
	counted int32        // calls that the entry's lane adds to the ready totals while the entry is ready
	bytes   int32        // and their bytes
	next    *entry       // in the queue of ready entries
	history *history     // nil until it comes back open
}

// begin makes an entry of a call.
func (e *entry) begin(msg *message, c *event.Call, o Order) {
	*e = entry{call: c, message: msg, size: int32(c.Size()), lanes: int32(len(c.Lanes)), step: c.Step, single: c.Single != nil}
	e.run = len(c.Lanes) == 1 && c.Single == nil && (c.Step.Repeatable || o == Relaxed)
	if len(c.Lanes) > 0 {
		e.lane = c.Lanes[0]
	}
}

// history is what an entry that came back open has behind it. Few do, and what stands in every entry costs memory for every call.
type history struct {
	notBefore     time.Time // when it has backed off
	attempts      int       // attempts that reached the wire
	first         time.Time // of the first failure
	accepted      uint64    // requests that had been accepted, by anybody, when the entry last failed
	alone         time.Time // of the first failure while alone in its request; then it is counted in bisector
	aloneFailures int       // failures while alone, with others accepted in between
}

type state uint8

const (
	waiting   state = iota // something of its person stands before it, or it rides in a run
	ready                  // heads all its lanes and waits for a sender
	delayed                // backs off by itself until history.notBefore
	sending                // in a request
	abandoned              // its lease is being given up and it cannot move; it holds its lanes until it is forgotten
)

// A link is an entry's place in one lane.
type link struct {
	lane       *lane
	entry      *entry
	prev, next *link
}

// A lane is the queue of everything open for one identifier. It exists only while it holds or remembers something.
type lane struct {
	key        event.Lane
	head, tail *link
	after      *lane  // in the same slot of the table of lanes
	unacked    *chain // by partition, the latest message that has left and of which the source has not been told
	// run counts the entries at the front that may share a request, and runBytes their bytes.
	run, runBytes int
	// sealed is true when a call stands in the lane that cannot join the run at its front.
	sealed bool
}

// place gives the entry's place in its i-th lane.
func (e *entry) place(i int32) *link {
	if i == 0 {
		return &e.link
	}
	return &e.more[i-1]
}

// join puts the entry at the end of its lanes and sets how many hold it back.
func (ls *lanes) join(e *entry) {
	if e.lanes == 0 {
		return
	}
	ls.append(e.lane, &e.link, e)
	if e.lanes > 1 {
		e.more = make([]link, e.lanes-1)
		for i, k := range e.call.Lanes[1:] {
			ls.append(k, &e.more[i], e)
		}
	}
}

func (ls *lanes) append(key event.Lane, at *link, e *entry) {
	l := ls.find(key)
	if l == nil {
		l = ls.add(key)
	}
	*at = link{lane: l, entry: e, prev: l.tail}
	if l.tail == nil {
		l.head = at
	} else {
		l.tail.next = at
		e.behind++
	}
	l.tail = at
	l.extend(e)
}

// extend counts a new last entry into the run at the front, when nothing seals it off.
func (l *lane) extend(e *entry) {
	switch {
	case l.sealed:
	case e.run:
		l.run++
		l.runBytes += int(e.size)
	default:
		l.sealed = true
	}
}

// leave takes the entry out of its lanes and calls freed for each entry that now heads all of its own.
func (ls *lanes) leave(e *entry, freed func(*entry)) {
	if e.lanes == 0 {
		return
	}
	ls.remove(&e.link, freed)
	for i := range e.more {
		ls.remove(&e.more[i], freed)
	}
	e.more = nil
}

func (ls *lanes) remove(k *link, freed func(*entry)) {
	l, wasHead := k.lane, k.prev == nil
	if k.prev == nil {
		l.head = k.next
	} else {
		k.prev.next = k.next
	}
	if k.next == nil {
		l.tail = k.prev
	} else {
		k.next.prev = k.prev
	}
	if l.head == nil {
		if l.unacked == nil {
			ls.close(l)
			return
		}
		l.run, l.runBytes, l.sealed = 0, 0, false
		return
	}
	l.recount(k, wasHead)
	if wasHead {
		e := l.head.entry
		e.behind--
		if e.behind == 0 {
			freed(e)
		}
	}
}

// recount brings the run up to date after k has left. Only when a call that sealed the lane's front is gone are entries
// walked, and each is walked once, since it stays in the run until it leaves.
func (l *lane) recount(k *link, wasHead bool) {
	switch {
	case k.entry.run && l.run > 0:
		l.run--
		l.runBytes -= int(k.entry.size)
		if l.run > 0 || !l.sealed {
			return
		}
	case !wasHead:
		return
	}
	if l.run > 0 {
		return
	}
	l.sealed, l.runBytes = false, 0
	for k := l.head; k != nil && !l.sealed; k = k.next {
		l.extend(k.entry)
	}
}
