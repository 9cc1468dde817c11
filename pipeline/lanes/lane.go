package lanes

import "github.com/ciobridge/ciobridge/event"

// A Node is the place of a call in its lanes. It is part of the call, whose type is C.
type Node[C any] struct {
	call   *C
	key    event.Lane // its first; it stands here because the call itself is in the reader's caches
	others []event.Lane
	first  link[C]
	more   []link[C] // its places in the other lanes
	lanes  int32     // how many it has
	behind int32     // in how many of them something stands before it
	size   int32     // bytes that the call adds to a request
	shares bool      // it may share a request with its neighbours in its one lane
}

// A link is a node's place in one lane.
type link[C any] struct {
	lane       *lane[C]
	node       *Node[C]
	prev, next *link[C]
}

// A lane is the queue of everything open for one identifier. It exists only while it holds something.
type lane[C any] struct {
	key        event.Lane
	head, tail *link[C]
	after      *lane[C] // in the same slot of the table
	// run counts the calls at the front that may share a request, and runBytes their bytes.
	run, runBytes int
	// sealed is true when a call stands in the lane that cannot join the run at its front.
	sealed bool
}

// NewNode is the node of a call that adds size bytes to a request. With shares, it may share a request with its
// neighbours in a lane; that is of use to calls with one lane only.
func NewNode[C any](call *C, keys []event.Lane, size int, shares bool) Node[C] {
	n := Node[C]{call: call, lanes: int32(len(keys)), size: int32(size), shares: shares && len(keys) == 1}
	if len(keys) > 0 {
		n.key, n.others = keys[0], keys[1:]
	}
	return n
}

// Lanes is how many lanes the call has, and Lane the i-th of them.
func (n *Node[C]) Lanes() int { return int(n.lanes) }

// Lane is the key of the call's i-th lane.
func (n *Node[C]) Lane(i int) event.Lane {
	if i == 0 {
		return n.key
	}
	return n.others[i-1]
}

// Size is how many bytes the call adds to a request.
func (n *Node[C]) Size() int { return int(n.size) }

// Shares reports whether the call may share a request with its neighbours in its one lane.
func (n *Node[C]) Shares() bool { return n.shares }

// TravelAlone has the call share no request with its neighbours. It must not have joined its lanes.
func (n *Node[C]) TravelAlone() { n.shares = false }

// Waits reports whether something stands before the call in one of its lanes.
func (n *Node[C]) Waits() bool { return n.behind > 0 }

// Run is how many calls at the front of the call's lane may share a request with it, itself among them, and their
// bytes. The call heads all its lanes.
func (n *Node[C]) Run() (calls, bytes int) {
	if n.shares && n.first.lane.run > 1 {
		return n.first.lane.run, n.first.lane.runBytes
	}
	return 1, int(n.size)
}

// Joined is the call at the front of the run that this one, which has just joined its lane, is a part of; nil where
// it is of none.
func (n *Node[C]) Joined() *C {
	if !n.shares || n.first.lane.sealed {
		return nil
	}
	return n.first.lane.head.node.call
}

// Behind is the call behind this one in its first lane, or nil.
func (n *Node[C]) Behind() *C {
	if n.first.next == nil {
		return nil
	}
	return n.first.next.node.call
}

// Neighbours are the calls before and behind this one in its i-th lane, each nil where there is none.
func (n *Node[C]) Neighbours(i int) (before, behind *C) {
	k := n.place(i)
	if k.prev != nil {
		before = k.prev.node.call
	}
	if k.next != nil {
		behind = k.next.node.call
	}
	return before, behind
}

func (n *Node[C]) place(i int) *link[C] {
	if i == 0 {
		return &n.first
	}
	return &n.more[i-1]
}

// extend counts a new last call into the run at the front, when nothing seals it off.
func (l *lane[C]) extend(n *Node[C]) {
	switch {
	case l.sealed:
	case n.shares:
		l.run++
		l.runBytes += int(n.size)
	default:
		l.sealed = true
	}
}

// recount brings the run up to date after k has left. Only when a call that sealed the lane's front is gone are
// calls walked, and each is walked once, since it stays in the run until it leaves.
func (l *lane[C]) recount(k *link[C], wasHead bool) {
	switch {
	case k.node.shares && l.run > 0:
		l.run--
		l.runBytes -= int(k.node.size)
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
		l.extend(k.node)
	}
}
