package pipeline

import "github.com/ciobridge/ciobridge/event"

// A budget bounds the bytes in hand. Reservations are granted in the order in which they were asked for, and no partition may
// hold more than half while another waits, so that one partition behind a stuck person does not starve the rest.
type budget struct {
	limit, used int64
	ample       bool // enough is ready for the senders, and more would only wait in memory
	queue       []*reservation
	shares      map[sharekey]*share
	last        *share // the share asked for last, which is mostly the next one too
}

type sharekey struct {
	topic     string
	partition int32
}

func keyOf(o *event.Origin) sharekey { return sharekey{o.Topic, o.Partition} }

// A share is what one partition holds of the budget.
type share struct {
	key  sharekey
	used int64
	hand int // messages in hand or waiting
}

type reservation struct {
	assignment *assignment
	share      *share
	bytes      int64
	granted    chan bool
}

// share finds what the partition of a message holds.
func (b *budget) share(o *event.Origin) *share {
	k := keyOf(o)
	if b.last != nil && b.last.key == k {
		return b.last
	}
	s := b.shares[k]
	if s == nil {
		s = &share{key: k}
		b.shares[k] = s
	}
	b.last = s
	return s
}

// fits reports whether the budget has so many bytes left.
func (b *budget) fits(bytes int64) bool { return b.used == 0 || b.used+bytes <= b.limit }

// fair reports whether the partition may hold so much more. One that holds nothing may always take a message.
func (b *budget) fair(s *share, bytes int64) bool {
	return s.used == 0 || s.used+bytes <= b.limit/2 || len(b.shares) == 1
}

// take reserves at once where it can; otherwise it returns a reservation to wait for. One that is larger than the whole budget
// is granted when nothing else is in hand. While enough is ready everybody waits.
func (b *budget) take(msg *message) *reservation {
	s, bytes := b.share(&msg.Origin), msg.bytes
	msg.share = s
	s.hand++
	if len(b.queue) == 0 && !b.ample && b.fits(bytes) && b.fair(s, bytes) {
		b.used += bytes
		s.used += bytes
		return nil
	}
	r := &reservation{assignment: msg.assignment, share: s, bytes: bytes, granted: make(chan bool, 1)}
	b.queue = append(b.queue, r)
	b.grant() // those before it may wait for their share only
	return r
}

// enough notes whether enough is ready, and grants what waited for more to be wanted.
func (b *budget) enough(ample bool) {
	if b.ample == ample {
		return
	}
	b.ample = ample
	b.grant()
}

// spent reports whether somebody waits because there is no room at all, and not only for a partition's share.
func (b *budget) spent() bool {
	for _, r := range b.queue {
		if b.used > 0 && b.fair(r.share, r.bytes) {
			return true
		}
	}
	return false
}

// give returns what a message held, and grants what now fits.
func (b *budget) give(m *message) {
	b.used -= m.bytes
	m.share.used -= m.bytes
	b.leave(m.share, 1)
	if len(b.queue) > 0 {
		b.grant()
	}
}

// leave notes that so many messages are gone, and drops a share of which nothing is in hand and nothing waits.
func (b *budget) leave(s *share, messages int) {
	s.hand -= messages
	if s.hand == 0 {
		delete(b.shares, s.key)
		b.last = nil
	}
}

// grant goes through those who wait. A partition that already has its share is passed over; behind one that waits for room
// everybody waits, so that a large message is not passed by small ones for ever.
func (b *budget) grant() {
	if b.ample {
		return
	}
	kept := b.queue[:0]
	for i, r := range b.queue {
		if b.used > 0 && !b.fair(r.share, r.bytes) {
			kept = append(kept, r)
			continue
		}
		if !b.fits(r.bytes) {
			kept = append(kept, b.queue[i:]...)
			break
		}
		b.used += r.bytes
		r.share.used += r.bytes
		r.granted <- true
	}
	clear(b.queue[len(kept):])
	b.queue = kept
}

// refuse ends the waiting of everything under a lease that is being given up.
func (b *budget) refuse(t *assignment) {
	kept := b.queue[:0]
	for _, r := range b.queue {
		if r.assignment == t {
			r.granted <- false
			b.leave(r.share, 1)
			continue
		}
		kept = append(kept, r)
	}
	clear(b.queue[len(kept):])
	b.queue = kept
}

// credit is how much an inlet is lent.
func (b *budget) credit() int64 { return min(creditBytes, b.limit/creditShare) }

// roomy reports whether there is room for a credit and nobody waits.
func (b *budget) roomy() bool { return len(b.queue) == 0 && !b.ample && b.fits(b.credit()) }

// lend reserves a credit for so many messages of a partition, and returns its bytes.
func (b *budget) lend(s *share, messages int) int64 {
	b.used += b.credit()
	s.used += b.credit()
	s.hand += messages
	return b.credit()
}

// takeBack frees what is left of a credit.
func (b *budget) takeBack(s *share, messages int, bytes int64) {
	b.used -= bytes
	s.used -= bytes
	b.leave(s, messages)
	if len(b.queue) > 0 {
		b.grant()
	}
}
