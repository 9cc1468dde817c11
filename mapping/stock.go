package mapping

import (
	"iter"
	"sync"

	"github.com/ciobridge/ciobridge/event"
)

// room is the memory of a message's only call.
type room struct {
	call  []event.Call // of length 1
	lanes []event.Lane
	body  []byte
}

// stock keeps the rooms of settled calls for those to come, which spares an allocation for each and keeps them in memory that the
// processor has at hand.
type stock struct {
	mu    sync.Mutex
	rooms []room
}

const (
	roomBytes  = 2048 // a larger body is left to the garbage collector
	roomUnit   = 256  // bodies are made in multiples of it
	roomExtra  = 192  // what a call has around the values that come from its event
	stockRooms = 8192
	stockChunk = 32 // rooms that change hands under one lock
)

// Recycle takes back the calls of messages, each as Map gave them, when nobody will look at them again. It is never owed.
func (r *Rules) Recycle(settled iter.Seq[[]event.Call]) {
	s := &r.stock
	s.mu.Lock()
	defer s.mu.Unlock()
	for calls := range settled {
		if len(calls) == 1 && cap(calls[0].Body) <= roomBytes && len(s.rooms) < stockRooms {
			s.rooms = append(s.rooms, room{calls, calls[0].Lanes[:0], calls[0].Body[:0]})
			calls[0] = event.Call{}
		}
	}
}

// furnish gives the scratch room for the calls of its message.
func (st *stock) furnish(s *scratch) {
	if s.call == nil {
		if len(s.rooms) == 0 {
			s.rooms = st.some(s.rooms)
		}
		if n := len(s.rooms); n > 0 {
			s.room, s.rooms = s.rooms[n-1], s.rooms[:n-1]
		} else {
			made := new(struct {
				call  [1]event.Call
				lanes [2]event.Lane
			})
			s.room = room{call: made.call[:], lanes: made.lanes[:0]}
		}
	}
	if want := len(s.m.Value) + roomExtra; cap(s.body) < want {
		s.body = make([]byte, 0, (want+roomUnit-1)/roomUnit*roomUnit)
	}
	s.lanes, s.body = s.lanes[:0], s.body[:0]
}

// some moves rooms from the stock to dst, which is empty.
func (st *stock) some(dst []room) []room {
	st.mu.Lock()
	defer st.mu.Unlock()
	from := max(0, len(st.rooms)-stockChunk)
	dst = append(dst, st.rooms[from:]...)
	clear(st.rooms[from:])
	st.rooms = st.rooms[:from]
	return dst
}
