package jetstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/consumer"
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

// deliverLoop asks for messages and hands them over, in the order of the stream, until the session ends. It returns why.
func (s *session) deliverLoop(handle consumer.Handler) error {
	tick := time.NewTicker(s.r.cfg.tuning.heartbeat)
	defer tick.Stop()
	var silent int
	var before uint64
	for {
		if err := s.requestMore(); err != nil {
			return err
		}
		select {
		case <-s.lease.Done():
			return s.cause()
		case <-s.inbox.arrived:
			if err := s.handleArrived(handle); err != nil {
				return err
			}
		case <-s.inbox.belowHalf:
		case <-tick.C:
			came := s.inbox.received.Load()
			if silent++; came != before || s.outstanding == 0 {
				silent = 0
			}
			before = came
			if silent >= silentTicks {
				return errSilent
			}
		}
	}
}

// handleArrived deals with what has come.
func (s *session) handleArrived(handle consumer.Handler) (err error) {
	var end error
	s.frames, end = s.inbox.receive(s.frames)
	s.receivedAt = time.Now()
	for i := range s.frames {
		if err := s.cause(); err != nil {
			return err
		}
		if err := s.requestMore(); err != nil {
			return err
		}
		if err := s.handleFrame(&s.frames[i], handle); err != nil {
			return err
		}
	}
	return end
}

// requestMore sends a request for messages when few are left to come of those before and there is room for more. At most half the bytes are
// in hand then, and the requests that stand are good for the other half.
func (s *session) requestMore() error {
	tuning := &s.r.cfg.tuning
	if s.outstanding > tuning.prefetch/4 || s.inbox.heldBytes.Load() > s.inbox.resumeBelow {
		return nil
	}
	p := pull{batch: tuning.prefetch / 2, maxBytes: int(s.r.cfg.FetchBytes / 4), expires: tuning.expires, heartbeat: tuning.heartbeat, pin: s.pin}
	if s.askOne {
		p.batch, p.maxBytes, s.askOne = 1, 0, false
	}
	if err := s.inbox.request(s.r.pullSubject(), p); err != nil {
		return err
	}
	s.outstanding += p.batch
	return nil
}

// handleFrame deals with one message of the inbox: a status of the server, or a delivery.
func (s *session) handleFrame(f *frame, handle consumer.Handler) error {
	if len(f.reply) == 0 {
		return s.handleStatus(f)
	}
	d, ok := s.parseReply(f)
	if !ok {
		return fmt.Errorf("%w: it has an unknown form of reply subject", errOutOfOrder)
	}
	headers, mine := s.headers(f)
	if !mine {
		s.losePin()
		return errPinLost
	}
	s.outstanding--
	if d.consumerSeq != s.lastConsumerSeq+1 {
		return errOutOfOrder // what stood between was lost on its way, or somebody else has set the consumer back
	}
	s.lastConsumerSeq = d.consumerSeq
	if s.lastConsumerSeq%commitAfter == 0 {
		signal(s.commitSoon)
	}
	if d.streamSeq <= s.lastStreamSeq {
		f.chunk.ackMessage()
		s.r.metrics.redelivered.Inc() // still in hand, or done but not acknowledged: the server's patience ended before ours
		return nil
	}
	if d.streamSeq > s.lastStreamSeq+1 {
		if err := s.checkGap(d.streamSeq); err != nil {
			return err
		}
	}
	before := s.lastStreamSeq
	s.lastStreamSeq = d.streamSeq
	if s.tracker.AlreadyAcked(int64(d.streamSeq)) {
		return s.skipAcked(f.chunk, before, d.streamSeq)
	}
	return s.deliver(f.chunk, before, s.message(f, d, headers), handle)
}

// parseReply reads the reply subject, of which all messages of the session have the front in common.
func (s *session) parseReply(f *frame) (d delivery, ok bool) {
	if len(s.replyPrefix) > 0 && bytes.HasPrefix(f.reply, s.replyPrefix) {
		d, _, ok = parseNumbers(f.reply[len(s.replyPrefix):])
		return d, ok
	}
	d, from, _, ok := parseDelivery(f.reply)
	if ok {
		reply := string(f.reply)
		s.reply.Store(&reply)
		s.replyPrefix = []byte(reply[:from])
	}
	return d, ok
}

// track puts a message into the tracker. It stands there right after the one before it, because the server keeps only acknowledgements of
// sequences that it has delivered: what lies between was filtered out, or deleted.
func (s *session) track(before, seq uint64) (ticket uint64, err error) {
	ticket, err = s.tracker.Track(s.lease, int64(before)+1, s.receivedAt)
	if err != nil {
		return 0, s.endError(err)
	}
	if seq > before+1 {
		s.tracker.Skip(int64(seq) + 1)
	}
	return ticket, nil
}

// skipAcked leaves out a message that is done.
func (s *session) skipAcked(chunk *chunk, before, seq uint64) error {
	chunk.ackMessage()
	s.r.metrics.redelivered.Inc()
	ticket, err := s.track(before, seq)
	if err == nil {
		s.tracker.Ack(ticket)
	}
	return err
}

// deliver hands a message over.
func (s *session) deliver(chunk *chunk, before uint64, m event.Message, handle consumer.Handler) error {
	ticket, err := s.track(before, uint64(m.Origin.Offset))
	if err != nil {
		return err
	}
	done := func() {
		if s.tracker.Ack(ticket) {
			chunk.ackMessage()
		}
	}
	if err := handle(s.lease, m, done); err != nil {
		return s.endError(err)
	}
	return nil
}

// endError tells an error that comes from the end of the session from one that causes it.
func (s *session) endError(err error) error {
	if s.lease.Err() != nil {
		return s.cause()
	}
	return fatalf("hand over message: %w", err)
}

// handleStatus deals with a word of the server.
func (s *session) handleStatus(f *frame) error {
	header, err := nats.DecodeHeadersMsg(f.header)
	f.chunk.ackMessage()
	if err != nil {
		return fmt.Errorf("read a word of the server: %w", err)
	}
	st, err := parseStatus(header)
	if errors.Is(err, errPinLost) {
		s.losePin()
	}
	if err != nil {
		return err
	}
	if st.code == 100 {
		// It names the last delivery. In a cluster that may overtake the delivery itself, but not by a whole interval.
		before := s.heartbeatAhead
		if s.heartbeatAhead = st.last != s.lastConsumerSeq; s.heartbeatAhead && before {
			return errOutOfOrder
		}
		return nil
	}
	s.askOne = st.full && st.left >= s.outstanding && s.inbox.heldBytes.Load() <= s.inbox.resumeBelow // one message past the half is what the other half is for
	s.outstanding = max(0, s.outstanding-st.left)
	return nil
}

// checkGap looks into sequences that were passed over: filtered out or replaced, which is nobody's loss; discarded from the front of the
// stream before they were read, which ends the reading; or deleted behind the front, which somebody did by name, so that it is told.
func (s *session) checkGap(next uint64) error {
	from := max(s.lastStreamSeq+1, s.resumeAt)
	if !s.r.dense(s.info) || from >= next {
		return nil
	}
	info, err := s.r.streamInfo(context.Background())
	if err != nil {
		return err
	}
	if !info.Created.Equal(s.info.Created) {
		return errStreamRecreated
	}
	if err := s.r.checkFirstGap(info, int64(from), int64(next)); err != nil {
		return err
	}
	if from = max(from, uint64(s.r.skippedTo)); from >= next {
		return nil
	}
	gone := int64(next-from) - s.r.progress.acked.CountWithin(int64(from), int64(next))
	s.deletedCount.Add(gone)
	s.r.metrics.deleted.Add(float64(gone))
	return nil
}
