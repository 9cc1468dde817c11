package lanes

import "github.com/ciobridge/ciobridge/event"

// Table holds all lanes. It is made by NewTable and is not safe for concurrent use.
//
// It is a hash table whose slots are lists: a lane's key is a hash already. Joining and leaving a lane cost the
// same whatever the backlog.
type Table[C any] struct {
	slots []*lane[C] // as many as a power of two, and at least as many as there are lanes
	open  int
	free  []*lane[C]
}

const (
	maxFree    = 4096 // lanes that are kept for reuse
	leastSlots = 256
)

// NewTable makes a table without lanes.
func NewTable[C any]() *Table[C] { return &Table[C]{slots: make([]*lane[C], leastSlots)} }

// Len is how many lanes there are: identifiers with an open call.
func (t *Table[C]) Len() int { return t.open }

// Has reports whether something stands in a lane.
func (t *Table[C]) Has(key event.Lane) bool { return t.find(key) != nil }

// Join puts a call at the end of its lanes.
func (t *Table[C]) Join(n *Node[C]) {
	if n.lanes == 0 {
		return
	}
	t.append(n.key, &n.first, n)
	if n.lanes > 1 {
		n.more = make([]link[C], n.lanes-1)
		for i, key := range n.others {
			t.append(key, &n.more[i], n)
		}
	}
}

// Leave takes a call out of its lanes. It calls freed for each call that now heads all of its own.
func (t *Table[C]) Leave(n *Node[C], freed func(*C)) {
	if n.lanes == 0 {
		return
	}
	t.remove(&n.first, freed)
	for i := range n.more {
		t.remove(&n.more[i], freed)
	}
	n.more = nil
}

func (t *Table[C]) append(key event.Lane, at *link[C], n *Node[C]) {
	l := t.find(key)
	if l == nil {
		l = t.openLane(key)
	}
	*at = link[C]{lane: l, node: n, prev: l.tail}
	if l.tail == nil {
		l.head = at
	} else {
		l.tail.next = at
		n.behind++
	}
	l.tail = at
	l.extend(n)
}

func (t *Table[C]) remove(k *link[C], freed func(*C)) {
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
		t.closeLane(l)
		return
	}
	l.recount(k, wasHead)
	if wasHead {
		n := l.head.node
		n.behind--
		if n.behind == 0 {
			freed(n.call)
		}
	}
}

// slot is where the list of a key's lane begins.
func (t *Table[C]) slot(key event.Lane) **lane[C] { return &t.slots[key&event.Lane(len(t.slots)-1)] }

func (t *Table[C]) find(key event.Lane) *lane[C] {
	l := *t.slot(key)
	for l != nil && l.key != key {
		l = l.after
	}
	return l
}

func (t *Table[C]) openLane(key event.Lane) *lane[C] {
	if t.open == len(t.slots) {
		t.grow()
	}
	var l *lane[C]
	if n := len(t.free); n > 0 {
		l = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		l = &lane[C]{}
	}
	at := t.slot(key)
	*l = lane[C]{key: key, after: *at}
	*at = l
	t.open++
	return l
}

func (t *Table[C]) grow() {
	old := t.slots
	t.slots = make([]*lane[C], 2*len(old))
	for _, l := range old {
		for l != nil {
			next, at := l.after, t.slot(l.key)
			l.after, *at = *at, l
			l = next
		}
	}
}

// closeLane takes an empty lane out of the table.
func (t *Table[C]) closeLane(l *lane[C]) {
	at := t.slot(l.key)
	for *at != l {
		at = &(*at).after
	}
	*at = l.after
	t.open--
	if len(t.free) < maxFree {
		t.free = append(t.free, l)
	}
}
