package memory

import (
	"context"
	"slices"
)

// Fetching is what a source has fetched ahead, in buffers that messages in flight point into. It is made by
// Limiter.Fetching, used from any goroutine, and ended by Close.
//
// A source asks with Allows which partitions it may ask for more, reserves room for an answer, charges the buffers
// that have come to their partitions, and releases the reservation; each buffer is released when the last message
// in it is acked. While less than a quarter of the limit is left, only partitions that hold nothing may ask, so
// that those that hold much do not starve them; nor may others of a topic of which something is held, as Limiter.Hold
// tells. Partitions of which something is held may fetch while they have less than half of the limit together; what
// they had beyond it when that began, up to another half, does not count for the others.
//
// The limit is overdrawn by what cannot be known in advance: a batch that is larger than what was asked for, one
// for each broker, and what batches unpack to, a few at a time.
type Fetching struct {
	limiter *Limiter
	limit   int64
	onFree  func()

	// Guarded by the limiter's lock.
	closed    bool
	refused   bool // a reservation was, and onFree has not been called since
	reserved  int64
	unpacked  int64         // the part of it that was unpacked
	unpacking int           // how many are at it
	moved     chan struct{} // closed when bytes are given back, while somebody waits for that
	shares    map[Partition]*Share
	heldBack  int64          // by the partitions of which something is held
	topics    map[string]int // how many of those each topic has
}

// Unpackers is how many may unpack a batch at a time.
const Unpackers = 4

// A Share is what one partition has of what is fetched. It is made by Fetching.Share; one of which only Fetching is set
// is of no partition whose messages can be held.
type Share struct {
	Fetching *Fetching

	bytes int64 // guarded by the limiter's lock, as is held
	held  bool  // something of the partition is, as Limiter.Hold tells

	partition Partition
}

// Fetching lets a source fetch up to so many bytes ahead. It raises the limit by three quarters of them, since
// mapped messages are counted with their own bytes, which are fetched, too. OnFree is called, without a lock held,
// when bytes have been given back after a reservation was refused; it may be nil.
func (l *Limiter) Fetching(limit int64, onFree func()) *Fetching {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit += limit / 4 * 3
	f := &Fetching{limiter: l, limit: limit, onFree: onFree, shares: map[Partition]*Share{}, topics: map[string]int{}}
	l.fetching = append(l.fetching, f)
	return f
}

// Share makes the share of a partition.
func (f *Fetching) Share(p Partition) *Share {
	f.limiter.mu.Lock()
	defer f.limiter.mu.Unlock()
	s := &Share{Fetching: f, partition: p}
	f.shares[p] = s
	if a := f.limiter.accounts[p]; a != nil {
		f.hold(p, a.held)
	}
	return s
}

// hold notes whether something of a partition is held. The caller holds the limiter's lock.
func (f *Fetching) hold(p Partition, held bool) {
	s := f.shares[p]
	if s == nil || s.held == held {
		return
	}
	s.held = held
	if held {
		f.heldBack += s.bytes
		f.topics[p.Topic]++
		return
	}
	f.heldBack -= s.bytes
	f.topics[p.Topic]--
}

// beyond is what partitions of which something is held have beyond half of the limit, up to another half. The caller
// holds the limiter's lock.
func (f *Fetching) beyond() int64 { return min(max(0, f.heldBack-f.limit/2), f.limit/2) }

// Limit is how many bytes may be fetched ahead.
func (f *Fetching) Limit() int64 { return f.limit }

// Close gives back what is held and lowers the limit again. What is released later does not count.
func (f *Fetching) Close() {
	l := f.limiter
	l.mu.Lock()
	if i := slices.Index(l.fetching, f); i >= 0 {
		l.fetching = slices.Delete(l.fetching, i, i+1)
		l.limit -= f.limit / 4 * 3
		l.reserved -= f.reserved
		f.closed, f.reserved, f.unpacked = true, 0, 0
		f.wake()
	}
	l.freed()
}

// Allows reports whether a partition may ask for n bytes more.
func (f *Fetching) Allows(s *Share, n int64) bool {
	f.limiter.mu.Lock()
	defer f.limiter.mu.Unlock()
	crowds := s.bytes > 0 || f.topics[s.partition.Topic] > 0
	if crowds && f.reserved-f.beyond()+n > f.limit/4*3 || s.held && f.heldBack+n > f.limit/2 {
		f.refused = true
		return false
	}
	return true
}

// Reserve takes room for an answer, n bytes or as much of them as there is, and returns how much that is: 0 where
// it would be less than least. It is given back with Release. When nothing is fetched, any answer is possible.
func (f *Fetching) Reserve(n, least int64) int64 {
	l := f.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.reserved > 0 {
		beyond := f.beyond()
		_, all := l.beyond()
		n = min(n, f.limit-f.reserved+beyond, l.limit-l.kept-f.reserved+beyond, l.limit-l.reserved+all)
	}
	if n < least {
		f.refused = true
		return 0
	}
	f.add(n)
	return n
}

// Charge counts n bytes of a partition, whether there is room or not.
func (f *Fetching) Charge(s *Share, n int64, unpacked bool) {
	f.limiter.mu.Lock()
	defer f.limiter.mu.Unlock()
	s.add(n)
	f.add(n)
	if unpacked {
		f.unpacked += n
	}
}

// add counts what a partition has.
func (s *Share) add(n int64) {
	s.bytes += n
	if s.held {
		s.Fetching.heldBack += n
	}
}

// add counts what is fetched. Once all is closed nothing counts any more.
func (f *Fetching) add(n int64) {
	if !f.closed {
		f.reserved += n
		f.limiter.reserved += n
	}
}

// Release gives back what a partition held or, without a share, what was reserved.
func (f *Fetching) Release(s *Share, n int64, unpacked bool) {
	l := f.limiter
	l.mu.Lock()
	if s != nil {
		s.add(-n)
	}
	if unpacked && !f.closed {
		f.unpacked -= n
	}
	f.add(-n)
	f.wake()
	l.freed()
}

// BeginUnpacking holds back whoever is about to unpack a batch while all is used up, or while others are at it;
// when nothing unpacked is in use, one may always go on. Each call that returns nil is followed by EndUnpacking,
// after the buffer is charged.
func (f *Fetching) BeginUnpacking(ctx context.Context) error {
	for {
		moved := f.beginUnpacking()
		if moved == nil {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *Fetching) beginUnpacking() (wait chan struct{}) {
	f.limiter.mu.Lock()
	defer f.limiter.mu.Unlock()
	if f.unpacking == 0 && f.unpacked == 0 || f.unpacking < Unpackers && f.reserved-f.beyond() <= f.limit {
		f.unpacking++
		return nil
	}
	if f.moved == nil {
		f.moved = make(chan struct{})
	}
	return f.moved
}

// EndUnpacking lets the next one unpack.
func (f *Fetching) EndUnpacking() {
	f.limiter.mu.Lock()
	defer f.limiter.mu.Unlock()
	f.unpacking--
	f.wake()
}

// wake lets those that wait look again. The caller holds the limiter's lock.
func (f *Fetching) wake() {
	if f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

// Reserved is how many bytes are fetched, or reserved for what is being fetched.
func (f *Fetching) Reserved() int64 {
	f.limiter.mu.Lock()
	defer f.limiter.mu.Unlock()
	return f.reserved
}
