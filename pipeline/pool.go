package pipeline

import "sync"

// messagePool keeps the memory of messages that are done for those to come.
type messagePool struct {
	shelves sync.Pool // of *shelf: some messages close to whoever needs them

	mu   sync.Mutex
	free []*message
}

// A shelf holds messages that have changed hands under one lock.
type shelf struct{ free []*message }

const (
	shelfSize     = 32
	spareMessages = 8192 // that are kept
)

// take gives an empty message.
func (ps *messagePool) take() *message {
	s, ok := ps.shelves.Get().(*shelf)
	if !ok {
		s = &shelf{free: make([]*message, 0, shelfSize)}
	}
	defer ps.shelves.Put(s)
	if len(s.free) == 0 {
		ps.fill(s)
	}
	n := len(s.free)
	if n == 0 {
		return &message{}
	}
	msg := s.free[n-1]
	s.free = s.free[:n-1]
	return msg
}

func (ps *messagePool) fill(s *shelf) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	from := max(0, len(ps.free)-shelfSize)
	s.free = append(s.free, ps.free[from:]...)
	clear(ps.free[from:])
	ps.free = ps.free[:from]
}

// keep takes messages that nobody looks at any more.
func (ps *messagePool) keep(done []*message) {
	for _, msg := range done {
		*msg = message{}
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.free = append(ps.free, done[:min(len(done), spareMessages-len(ps.free))]...)
}
