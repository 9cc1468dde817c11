package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// minFetchBytes is what a stream needs at least to ask for anything but single messages.
const minFetchBytes = 64 << 10

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
		case m := <-s.inbox.msgs:
			s.heard++
			if err := s.take(m, handle); err != nil {
				return err
			}
		case <-s.room:
		case <-tick.C:
			if silent++; s.heard != before || s.asked == 0 || len(s.inbox.msgs) > 0 {
				silent = 0
			}
			before = s.heard
			if silent >= silentTicks {
				return errSilent
			}
		}
	}
}

// ask sends a request for messages when few are left to come of those before and there is room for more. At most half the bytes are
// in hand then, and the requests that stand are good for the other half.
func (s *session) ask() error {
	tuning := &s.r.cfg.tuning
	if s.asked > tuning.prefetch/4 || s.bytes.Load() > s.r.cfg.FetchBytes/2 {
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
func (s *session) take(m *nats.Msg, handle handler) error {
	if m.Reply == "" {
		return s.status(m)
	}
	d, _, _, ok := parseDelivery(m.Reply)
	if !ok {
		return fmt.Errorf("%w: it has an unknown form of reply subject", errOutOfTurn)
	}
	if pins := m.Header[pinHeader]; len(pins) != 1 || pins[0] != s.pin {
		s.lost()
		return errPinLost
	}
	s.asked--
	if d.ordinal != s.ordinal+1 {
		return errOutOfTurn // what stood between was lost on its way, or somebody else has set the consumer back
	}
	s.ordinal = d.ordinal
	if d.seq <= s.last {
		s.r.metrics.redelivered.Inc() // still in hand, or done but not acknowledged: the server's patience ended before ours
		return nil
	}
	if d.seq > s.last+1 {
		if err := s.hole(d.seq); err != nil {
			return err
		}
	}
	s.last = d.seq
	if s.reply.Load() == nil {
		reply := m.Reply // a copy, so that the message is not held
		s.reply.Store(&reply)
	}
	return s.hand(m, d, handle)
}

func (s *session) hand(m *nats.Msg, d delivery, handle handler) error {
	ticket, err := s.ledger.add(s.lease, int64(d.seq), time.Now())
	if err != nil {
		return s.ended(err)
	}
	size := int64(m.Size())
	s.bytes.Add(size)
	low := s.r.cfg.FetchBytes / 2
	done := func() {
		if !s.ledger.settle(ticket) {
			return
		}
		if now := s.bytes.Add(-size); now <= low && now+size > low {
			select {
			case s.room <- struct{}{}:
			default:
			}
		}
	}
	if err := handle(s.lease, message(s.r.stream, m, d), done); err != nil {
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
func (s *session) status(m *nats.Msg) error {
	st, err := parseStatus(m)
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
	s.single = st.full && st.left >= s.asked && s.bytes.Load() == 0
	s.asked = max(0, s.asked-st.left)
	return nil
}

// hole looks into sequences that were passed over: deleted one by one, replaced, or filtered out, which is nobody's loss, or
// discarded from the front of the stream before they were read.
func (s *session) hole(next uint64) error {
	if !s.r.dense(s.info) {
		return nil
	}
	info, err := s.r.streamInfo(context.Background())
	if err != nil {
		return err
	}
	return s.r.firstGap(info, s.last+1, next)
}
