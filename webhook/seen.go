package webhook

import (
	"context"
	"hash/maphash"
	"sync"
)

// rememberAtLeast is how many of the latest ids are known. Twice as many take about 20 MiB.
const rememberAtLeast = 1 << 18

// seen knows which events are on the bus, and which are on their way there. Of ids it keeps digests of 64 bits.
type seen struct {
	seed maphash.Seed

	mu         sync.Mutex
	young, old map[uint64]struct{}
	pending    map[uint64]chan struct{} // closed when the event is stored, or has failed
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), young: map[uint64]struct{}{}, pending: map[uint64]chan struct{}{}}
}

// note says that an event is on the bus.
func (s *seen) note(id string) {
	digest := maphash.String(s.seed, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(digest)
}

func (s *seen) add(digest uint64) {
	if len(s.young) >= rememberAtLeast {
		s.young, s.old = map[uint64]struct{}{}, s.young
	}
	s.young[digest] = struct{}{}
}

// claim makes the caller the one who publishes an event, until he settles it. It waits for another one who does. It
// is false where the event is on the bus.
func (s *seen) claim(ctx context.Context, id string) (ours bool, err error) {
	digest := maphash.String(s.seed, id)
	for {
		s.mu.Lock()
		_, young := s.young[digest]
		_, old := s.old[digest]
		other, pending := s.pending[digest]
		if !young && !old && !pending {
			s.pending[digest] = make(chan struct{})
		}
		s.mu.Unlock()
		switch {
		case young || old:
			return false, nil
		case !pending:
			return true, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// settle ends a claim, and says whether the event is on the bus.
func (s *seen) settle(id string, stored bool) {
	digest := maphash.String(s.seed, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored {
		s.add(digest)
	}
	close(s.pending[digest])
	delete(s.pending, digest)
}
