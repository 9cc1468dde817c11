package memory

import (
	"slices"
	"sync"
)

// Partition names the part of a topic or stream whose messages share an account.
type Partition struct {
	Topic string
	ID    int32
}

// Limiter bounds the bytes of the messages in flight: what is mapped, and what a source has fetched ahead. It is
// made by New and used from any goroutine; its one lock is held for little and calls nobody.
//
// Who takes a message up reserves bytes for it and releases them when the message is acked. Where there is no room,
// Reserve gives a Waiter. Waiters are served in the order in which they came, so that small messages do not pass a
// large one for ever, with one exception: a partition that has its share already lets others pass. A share is half
// of what New was given, while more than one partition has something mapped; so a partition whose persons are stuck
// does not stop the others. Partitions of which something is held, until somebody lets it go, have one share together;
// what they had beyond it when that began, up to another share, does not count for the others, who would wait for it.
//
// Mapped messages may take all that is not fetched, and three quarters of what New was given whatever is fetched:
// that is a share and as much again as half of one, so that there is room beside a partition that is stuck with its
// share. When nothing is mapped, a message is let in whatever its size. So nothing waits for ever.
type Limiter struct {
	share int64 // of a partition, of what is mapped
	kept  int64 // for what is mapped, whatever is fetched

	mu       sync.Mutex
	limit    int64 // of what is fetched and mapped
	reserved int64 // by both
	mapped   int64
	held     int                    // accounts of which something is held
	heldBack int64                  // by those accounts
	accounts map[Partition]*Account // those with something reserved or waiting
	recent   [64]*Account           // what was asked for last, by ID modulo 64: mostly it is asked for again
	waiting  []*Waiter
	fetching []*Fetching
}

// An Account is what one partition has reserved. It ends when it has released everything.
type Account struct {
	partition Partition
	reserved  int64
	waiting   int
	held      bool
}

// A Waiter stands for a reservation that has to wait.
type Waiter struct {
	// Granted is closed when the bytes are reserved.
	Granted chan struct{}

	account *Account
	bytes   int64
}

// New makes a limiter of so many bytes, beside those that Fetching adds.
func New(limit int64) *Limiter {
	return &Limiter{limit: limit, share: limit / 2, kept: limit / 4 * 3, accounts: map[Partition]*Account{}}
}

// Reserve reserves bytes for a message of a partition, or returns what to wait for. The bytes are released from the
// account.
func (l *Limiter) Reserve(p Partition, bytes int64) (*Account, *Waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(p)
	if len(l.waiting) == 0 && l.fits(bytes) && l.fair(a, bytes) {
		l.add(a, bytes)
		return a, nil
	}
	w := &Waiter{Granted: make(chan struct{}), account: a, bytes: bytes}
	a.waiting++
	l.waiting = append(l.waiting, w)
	l.grant() // those before it may wait for their share only
	return a, w
}

// Hold notes that something of an account will not be released before somebody has looked, so that all such accounts
// leave room for the others.
func (l *Limiter) Hold(a *Account) {
	l.mu.Lock()
	if a.held {
		l.mu.Unlock()
		return
	}
	a.held = true
	l.held++
	l.heldBack += a.reserved
	for _, f := range l.fetching {
		f.hold(a.partition, true)
	}
	l.freed()
}

// beyond is what accounts of which something is held have beyond their share. It is a share at most, because memory
// must stay bounded: much may come of many partitions before it is known that it is held. What is fetched of them
// beyond comes on top, where all is meant.
func (l *Limiter) beyond() (mapped, all int64) {
	mapped = min(max(0, l.heldBack-l.share), l.share)
	all = mapped
	for _, f := range l.fetching {
		all += f.beyond()
	}
	return mapped, all
}

// Cancel ends the waiting for a reservation. It releases the bytes where they have been reserved meanwhile.
func (l *Limiter) Cancel(w *Waiter) {
	l.mu.Lock()
	bytes := w.bytes
	if i := slices.Index(l.waiting, w); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		w.account.waiting--
		bytes = 0
	}
	l.release(w.account, bytes)
}

// Release gives back what was reserved, of one message or of several together.
func (l *Limiter) Release(a *Account, bytes int64) {
	l.mu.Lock()
	l.release(a, bytes)
}

// Full reports whether somebody waits because there is no room at all, and not only for a partition's share.
func (l *Limiter) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.waiting, func(w *Waiter) bool { return l.fair(w.account, w.bytes) })
}

// Mapped is how many bytes are reserved for mapped messages.
func (l *Limiter) Mapped() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mapped
}

// Partitions is how many partitions have something reserved, or wait.
func (l *Limiter) Partitions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accounts)
}

func (l *Limiter) account(p Partition) *Account {
	recent := l.recentOf(p)
	if a := *recent; a != nil && a.partition == p {
		return a
	}
	a := l.accounts[p]
	if a == nil {
		a = &Account{partition: p}
		l.accounts[p] = a
	}
	*recent = a
	return a
}

// recentOf is where the account of a partition stands if it was asked for lately.
func (l *Limiter) recentOf(p Partition) **Account {
	return &l.recent[uint32(p.ID)%uint32(len(l.recent))]
}

// fits reports whether there is room for so many bytes of what is mapped.
func (l *Limiter) fits(bytes int64) bool {
	if l.mapped == 0 || l.mapped+bytes <= l.kept || l.reserved+bytes <= l.limit {
		return true
	}
	mapped, all := l.beyond()
	return l.mapped+bytes-mapped <= l.kept || l.reserved+bytes-all <= l.limit
}

func (l *Limiter) add(a *Account, bytes int64) {
	a.reserved += bytes
	l.mapped += bytes
	l.reserved += bytes
	if a.held {
		l.heldBack += bytes
	}
}

// fair reports whether a partition may have so much more.
func (l *Limiter) fair(a *Account, bytes int64) bool {
	share := l.share
	if a.held {
		share /= int64(l.held)
	}
	return a.reserved == 0 || a.reserved+bytes <= share || len(l.accounts) == 1
}

// release gives back bytes. The caller holds mu, which is unlocked.
func (l *Limiter) release(a *Account, bytes int64) {
	l.add(a, -bytes)
	if a.reserved == 0 && a.waiting == 0 {
		if a.held {
			l.held--
			for _, f := range l.fetching {
				f.hold(a.partition, false)
			}
		}
		delete(l.accounts, a.partition)
		*l.recentOf(a.partition) = nil
	}
	l.freed()
}

// freed gives what has been given back to those that wait: first to mapped messages, whose bytes are fetched
// already. The caller holds mu, which is unlocked.
func (l *Limiter) freed() {
	l.grant()
	var tell []func()
	for _, f := range l.fetching {
		if f.refused && f.onFree != nil {
			f.refused = false
			tell = append(tell, f.onFree)
		}
	}
	l.mu.Unlock()
	for _, onFree := range tell {
		onFree()
	}
}

// grant serves those that wait.
func (l *Limiter) grant() {
	kept := l.waiting[:0]
	for i, w := range l.waiting {
		if l.mapped > 0 && !l.fair(w.account, w.bytes) {
			kept = append(kept, w)
			continue
		}
		if !l.fits(w.bytes) {
			kept = append(kept, l.waiting[i:]...)
			break
		}
		l.add(w.account, w.bytes)
		w.account.waiting--
		close(w.Granted)
	}
	clear(l.waiting[len(kept):])
	l.waiting = kept
}
