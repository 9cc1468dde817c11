package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/nats-io/nats.go"
)

// minFetchBytes is what a stream needs at least to ask for anything but single messages.
const minFetchBytes = 64 << 10

// minPrefetch is how many messages are asked for ahead of each part, however many there are.
const minPrefetch = 400

// silentTicks is how many heartbeat intervals may pass without a word while messages are asked for. One of them may be left over
// from a time when nobody was listening.
const silentTicks = 3

// pump asks for messages and hands them over, in the order of the stream, until the session ends. It returns why.
func (s *session) pump(handle handler) error {
	tick := time.NewTicker(s.r.cfg.tuning.heartbeat)
	defer tick.Stop()
	var silent int
	var before uint64
	for {
		if err := s.ask(); err != nil {
			return err
		}
		select {
		case <-s.lease.Done():
			return s.why()
		case <-s.inbox.ready:
			if err := s.takeAll(handle); err != nil {
				return err
			}
		case <-s.inbox.room:
		case <-tick.C:
			came := s.inbox.came.Load()
			if silent++; came != before || s.asked == 0 {
				silent = 0
			}
			before = came
			if silent >= silentTicks {
				return errSilent
			}
		}
	}
}

// takeAll deals with what has come.
func (s *session) takeAll(handle handler) (err error) {
	var end error
	s.frames, end = s.inbox.take(s.frames)
	s.now = time.Now()
	for i := range s.frames {
		if err := s.why(); err != nil {
			return err
		}
		if err := s.ask(); err != nil {
			return err
		}
		if err := s.take(&s.frames[i], handle); err != nil {
			return err
		}
	}
	return end
}

// ask sends a request for messages when few are left to come of those before and there is room for more. At most half the bytes are
// in hand then, and the requests that stand are good for the other half.
func (s *session) ask() error {
	tuning := &s.r.cfg.tuning
	if s.asked > tuning.prefetch/4 || s.inbox.held.Load() > s.inbox.low {
		return nil
	}
	p := pull{batch: tuning.prefetch / 2, maxBytes: int(s.r.cfg.FetchBytes / 4), expires: tuning.expires, heartbeat: tuning.heartbeat, pin: s.pin}
	if s.single {
		p.batch, p.maxBytes, s.single = 1, 0, false
	}
	if err := s.inbox.request(s.r.pullSubject(), p); err != nil {
		return err
	}
	s.asked += p.batch
	return nil
}

// take deals with one message of the inbox: a status of the server, or a delivery.
func (s *session) take(f *frame, handle handler) error {
	if len(f.reply) == 0 {
		return s.status(f)
	}
	d, ok := s.delivery(f)
	if !ok {
		return fmt.Errorf("%w: it has an unknown form of reply subject", errOutOfTurn)
	}
	headers, mine := s.headers(f)
	if !mine {
		s.lost()
		return errPinLost
	}
	s.asked--
	if d.ordinal != s.ordinal+1 {
		return errOutOfTurn // what stood between was lost on its way, or somebody else has set the consumer back
	}
	s.ordinal = d.ordinal
	if s.ordinal%ackAfter == 0 {
		ring(s.much)
	}
	if d.seq <= s.last {
		f.slab.done()
		s.r.metrics.redelivered.Inc() // still in hand, or done but not acknowledged: the server's patience ended before ours
		return nil
	}
	if d.seq > s.last+1 {
		if err := s.hole(d.seq); err != nil {
			return err
		}
	}
	before := s.last
	s.last = d.seq
	if s.ledger.already(int64(d.seq)) {
		return s.pass(f.slab, before, d.seq)
	}
	return s.hand(f.slab, before, s.message(f, d, headers), handle)
}

// delivery reads the reply subject, of which all messages of the session have the front in common.
func (s *session) delivery(f *frame) (d delivery, ok bool) {
	if len(s.prefix) > 0 && bytes.HasPrefix(f.reply, s.prefix) {
		d, _, ok = parseNumbers(f.reply[len(s.prefix):])
		return d, ok
	}
	d, from, _, ok := parseDelivery(f.reply)
	if ok {
		reply := string(f.reply)
		s.reply.Store(&reply)
		s.prefix = []byte(reply[:from])
	}
	return d, ok
}

// add puts a message into the ledger. It stands there right after the one before it, because the server keeps only acknowledgements of
// sequences that it has delivered: what lies between was filtered out, or deleted.
func (s *session) add(before, seq uint64) (ticket uint64, err error) {
	ticket, err = s.ledger.add(s.lease, int64(before)+1, s.now)
	if err != nil {
		return 0, s.ended(err)
	}
	if seq > before+1 {
		s.ledger.skip(int64(seq) + 1)
	}
	return ticket, nil
}

// pass leaves out a message that is done.
func (s *session) pass(slab *slab, before, seq uint64) error {
	slab.done()
	s.r.metrics.redelivered.Inc()
	ticket, err := s.add(before, seq)
	if err == nil {
		s.ledger.settle(ticket)
	}
	return err
}

// hand hands a message over.
func (s *session) hand(slab *slab, before uint64, m event.Message, handle handler) error {
	ticket, err := s.add(before, uint64(m.Origin.Offset))
	if err != nil {
		return err
	}
	done := func() {
		if s.ledger.settle(ticket) {
			slab.done()
		}
	}
	if err := handle(s.lease, m, done); err != nil {
		return s.ended(err)
	}
	return nil
}

// ended tells an error that comes from the end of the session from one that causes it.
func (s *session) ended(err error) error {
	if s.lease.Err() != nil {
		return s.why()
	}
	return stopf("hand over message: %w", err)
}

// status deals with a word of the server.
func (s *session) status(f *frame) error {
	header, err := nats.DecodeHeadersMsg(f.header)
	f.slab.done()
	if err != nil {
		return fmt.Errorf("read a word of the server: %w", err)
	}
	st, err := parseStatus(header)
	if errors.Is(err, errPinLost) {
		s.lost()
	}
	if err != nil {
		return err
	}
	if st.code == 100 {
		// It names the last delivery. In a cluster that may overtake the delivery itself, but not by a whole interval.
		before := s.missing
		if s.missing = st.last != s.ordinal; s.missing && before {
			return errOutOfTurn
		}
		return nil
	}
	s.single = st.full && st.left >= s.asked && s.inbox.held.Load() <= s.inbox.low // one message past the half is what the other half is for
	s.asked = max(0, s.asked-st.left)
	return nil
}

// hole looks into sequences that were passed over: filtered out or replaced, which is nobody's loss; discarded from the front of the
// stream before they were read, which ends the reading; or deleted behind the front, which somebody did by name, so that it is told.
func (s *session) hole(next uint64) error {
	from := max(s.last+1, s.next)
	if !s.r.dense(s.info) || from >= next {
		return nil
	}
	info, err := s.r.streamInfo(context.Background())
	if err != nil {
		return err
	}
	if !info.Created.Equal(s.info.Created) {
		return errMadeAgain
	}
	if err := s.r.firstGap(info, int64(from), int64(next)); err != nil {
		return err
	}
	if from = max(from, uint64(s.r.skipped)); from >= next {
		return nil
	}
	gone := int64(next-from) - s.r.memory.done.within(int64(from), int64(next))
	s.deleted.Add(gone)
	s.r.metrics.deleted.Add(float64(gone))
	return nil
}
