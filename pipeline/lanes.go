package pipeline

import "github.com/ciobridge/ciobridge/event"

// lanes holds all lanes, in a hash table whose slots are lists: a lane's key is a hash already. Joining and leaving one cost the
// same whatever the backlog.
type lanes struct {
	table []*lane // its length is a power of two, at least the number of lanes
	open  int
	free  []*lane
}

// freeLanes bounds the lanes kept for reuse.
const freeLanes = 4096

// leastTable is the number of slots of the table of lanes at the start.
const leastTable = 256

func newLanes() lanes { return lanes{table: make([]*lane, leastTable)} }

// slot is where the list of a key's lane begins.
func (ls *lanes) slot(key event.Lane) **lane { return &ls.table[key&event.Lane(len(ls.table)-1)] }

// find gives the lane of a key, or nil.
func (ls *lanes) find(key event.Lane) *lane {
	l := *ls.slot(key)
	for l != nil && l.key != key {
		l = l.after
	}
	return l
}

// add opens a lane.
func (ls *lanes) add(key event.Lane) *lane {
	if ls.open == len(ls.table) {
		ls.grow()
	}
	var l *lane
	if n := len(ls.free); n > 0 {
		l = ls.free[n-1]
		ls.free = ls.free[:n-1]
	} else {
		l = &lane{}
	}
	at := ls.slot(key)
	*l = lane{key: key, after: *at}
	*at = l
	ls.open++
	return l
}

func (ls *lanes) grow() {
	old := ls.table
	ls.table = make([]*lane, 2*len(old))
	for _, l := range old {
		for l != nil {
			next, at := l.after, ls.slot(l.key)
			l.after, *at = *at, l
			l = next
		}
	}
}

// close takes an empty lane out of the table.
func (ls *lanes) close(l *lane) {
	at := ls.slot(l.key)
	for *at != l {
		at = &(*at).after
	}
	*at = l.after
	ls.open--
	if len(ls.free) < freeLanes {
		ls.free = append(ls.free, l)
	}
}
