package pipeline

import "sync"

// parcels keeps the parcels of messages that are done for those to come.
type parcels struct {
	shelves sync.Pool // of *shelf: some parcels close to whoever needs them

	mu   sync.Mutex
	free []*parcel
}

// A shelf holds parcels that have changed hands under one lock.
type shelf struct{ free []*parcel }

const (
	shelfSize    = 32
	spareParcels = 8192 // that are kept
)

// take gives an empty parcel.
func (ps *parcels) take() *parcel {
	s, ok := ps.shelves.Get().(*shelf)
	if !ok {
		s = &shelf{free: make([]*parcel, 0, shelfSize)}
	}
	defer ps.shelves.Put(s)
	if len(s.free) == 0 {
		ps.fill(s)
	}
	n := len(s.free)
	if n == 0 {
		return &parcel{}
	}
	pc := s.free[n-1]
	s.free = s.free[:n-1]
	return pc
}

func (ps *parcels) fill(s *shelf) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	from := max(0, len(ps.free)-shelfSize)
	s.free = append(s.free, ps.free[from:]...)
	clear(ps.free[from:])
	ps.free = ps.free[:from]
}

// keep takes parcels that nobody looks at any more.
func (ps *parcels) keep(done []*parcel) {
	for _, pc := range done {
		*pc = parcel{}
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.free = append(ps.free, done[:min(len(done), spareParcels-len(ps.free))]...)
}
