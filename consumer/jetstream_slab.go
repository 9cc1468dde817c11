package consumer

import (
	"sync"
	"sync/atomic"
)

// slab is a buffer into which a connection is read and into which its messages point. It goes back to its pool when the connection is
// done with it and no message of it is in hand.
//
// What is read into it counts as held until no message of it is in hand, because one of them keeps the memory of all.
type slab struct {
	*buffer
	inbox *inbox
	live  atomic.Int32 // messages in hand

	mu     sync.Mutex
	used   int64 // what was read into it
	held   int64 // what of that counts
	sealed bool  // the connection is done with it
}

func (b *inbox) newSlab(size int) *slab { return &slab{buffer: takeBuffer(size), inbox: b} }

// add counts messages that have come, with all that they take.
func (s *slab) add(messages int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.Add(int32(messages))
	s.used += bytes
	s.inbox.held.Add(s.used - s.held)
	s.held = s.used
}

// done says that a message is not in hand any more.
func (s *slab) done() {
	if s.live.Add(-1) == 0 {
		s.settle()
	}
}

// seal says that nothing more is read into it.
func (s *slab) seal() {
	s.mu.Lock()
	s.sealed = true
	s.mu.Unlock()
	s.settle()
}

// settle gives back what is not needed any more.
func (s *slab) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live.Load() != 0 {
		return // more came meanwhile
	}
	s.inbox.gave(s.held)
	s.held = 0
	if s.sealed && s.buffer != nil {
		s.buffer.release()
		s.buffer = nil
	}
}
