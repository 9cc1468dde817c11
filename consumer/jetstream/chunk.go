package jetstream

import (
	"sync"
	"sync/atomic"

	"github.com/ciobridge/ciobridge/consumer"
)

// chunk is a buffer into which a connection is read and into which its messages point. It goes back to its pool when the connection is
// done with it and no message of it is in hand.
//
// What is read into it counts as held until no message of it is in hand, because one of them keeps the memory of all.
type chunk struct {
	*consumer.Buffer
	inbox    *inbox
	inFlight atomic.Int32 // messages in hand

	mu      sync.Mutex
	size    int64 // what was read into it
	counted int64 // what of that counts
	sealed  bool  // the connection is done with it
}

func (b *inbox) newChunk(size int) *chunk {
	return &chunk{Buffer: consumer.NewBuffer(size), inbox: b}
}

// addMessages counts messages that have come, with all that they take.
func (s *chunk) addMessages(messages int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight.Add(int32(messages))
	s.size += bytes
	s.inbox.heldBytes.Add(s.size - s.counted)
	s.counted = s.size
}

// ackMessage says that a message is not in hand any more.
func (s *chunk) ackMessage() {
	if s.inFlight.Add(-1) == 0 {
		s.freeIfUnused()
	}
}

// seal says that nothing more is read into it.
func (s *chunk) seal() {
	s.mu.Lock()
	s.sealed = true
	s.mu.Unlock()
	s.freeIfUnused()
}

// freeIfUnused gives back what is not needed any more.
func (s *chunk) freeIfUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight.Load() != 0 {
		return // more came meanwhile
	}
	s.inbox.freed(s.counted)
	s.counted = 0
	if s.sealed && s.Buffer != nil {
		s.Buffer.Release()
		s.Buffer = nil
	}
}
