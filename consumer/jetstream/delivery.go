package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ciobridge/ciobridge/event"
)

// silentTicks is how many heartbeat intervals may pass without a word while messages are asked for. One of them may
// be left over from a time when nobody was listening.
const silentTicks = 3

// position is where the session stands in the order of deliveries. Only deliverLoop uses it.
type position struct {
	resumeAt       uint64    // the first sequence that was not known to be acked when the session began
	streamSeq      uint64    // of the last message
	consumerSeq    uint64    // of the last delivery, counted by the server since the reset
	heartbeatAhead bool      // the last heartbeat named a delivery that has not arrived
	receivedAt     time.Time // when the messages at hand were received
}

// deliverLoop asks for messages and delivers them, in the order of the stream, until the session ends. It returns why.
func (s *session) deliverLoop(handle event.Handler) error {
	tick := time.NewTicker(s.r.cfg.tuning.heartbeat)
	defer tick.Stop()
	var frames []frame
	var silent int
	var before uint64
	for {
		if err := s.pulls.request(); err != nil {
			return err
		}
		select {
		case <-s.lease.Done():
			return s.cause()
		case <-s.inbox.arrived:
			var end error
			frames, end = s.inbox.receive(frames)
			if err := s.handleFrames(frames, handle); err != nil {
				return err
			}
			if end != nil {
				return end
			}
		case <-s.inbox.held.roomAgain:
		case <-tick.C:
			received := s.inbox.received.Load()
			if silent++; received != before || s.pulls.outstanding == 0 {
				silent = 0
			}
			before = received
			if silent >= silentTicks {
				return errSilent
			}
		}
	}
}

// handleFrames handles what has arrived, until the session ends.
func (s *session) handleFrames(frames []frame, handle event.Handler) error {
	s.position.receivedAt = time.Now()
	for i := range frames {
		if err := s.cause(); err != nil {
			return err
		}
		if err := s.pulls.request(); err != nil {
			return err
		}
		f := &frames[i]
		var err error
		if len(f.reply) == 0 {
			err = s.handleStatus(f)
		} else {
			err = s.handleDelivery(f, handle)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// handleDelivery delivers a message, unless it is acked or in flight already.
func (s *session) handleDelivery(f *frame, handle event.Handler) error {
	d, front, ok := s.decoder.delivery(f.reply)
	if !ok {
		return fmt.Errorf("%w: it has an unknown form of reply subject", errOutOfOrder)
	}
	if front {
		reply := string(f.reply)
		s.commits.reply.Store(&reply)
	}
	headers, ours := s.decoder.headers(f.header)
	if !ours {
		s.pin.lose()
		return errPinLost
	}
	s.pulls.outstanding--
	p := &s.position
	if d.consumerSeq != p.consumerSeq+1 {
		return errOutOfOrder // what stood between was lost on its way, or somebody else has reset the consumer
	}
	p.consumerSeq = d.consumerSeq
	if d.consumerSeq%commitAfter == 0 {
		signal(s.commits.soon)
	}
	if d.streamSeq <= p.streamSeq {
		f.chunk.ackMessage()
		s.r.metrics.redelivered.Inc() // in flight, or acked only here: the server's ack wait has ended
		return nil
	}
	if d.streamSeq > p.streamSeq+1 {
		if err := s.checkGap(d.streamSeq); err != nil {
			return err
		}
	}
	before := p.streamSeq
	p.streamSeq = d.streamSeq
	if s.tracker.AlreadyAcked(int64(d.streamSeq)) {
		return s.skipAcked(f.chunk, before, d.streamSeq)
	}
	s.message(f, d, headers)
	return s.deliver(f.chunk, before, handle)
}

// message makes the message that is to be delivered. Its bytes are those of the frame.
func (s *session) message(f *frame, d delivery, headers []event.Header) {
	s.delivered = event.Message{
		Origin: event.Origin{Topic: s.r.partition.stream, Subject: s.decoder.names.intern(f.subject),
			Partition: s.r.partition.index, Offset: int64(d.streamSeq)},
		Value:   f.payload,
		Headers: headers,
		Time:    time.Unix(0, d.time),
	}
}

// track notes that a message is in flight. Before is the sequence of the last message. The tracker gets the offset
// right after it: the ack floor may only be a sequence that the server has delivered, and what lies between was
// filtered out or deleted.
func (s *session) track(before, seq uint64) (ticket uint64, err error) {
	ticket, err = s.tracker.Track(s.lease, int64(before)+1, s.position.receivedAt)
	if err != nil {
		return 0, s.deliverError(err)
	}
	if seq > before+1 {
		s.tracker.Skip(int64(seq) + 1)
	}
	return ticket, nil
}

// skipAcked leaves out a message that was acked before the session began.
func (s *session) skipAcked(chunk *chunk, before, seq uint64) error {
	chunk.ackMessage()
	s.r.metrics.redelivered.Inc()
	ticket, err := s.track(before, seq)
	if err == nil {
		s.tracker.Ack(ticket)
	}
	return err
}

// deliver hands the message to the handler.
func (s *session) deliver(chunk *chunk, before uint64, handle event.Handler) error {
	ticket, err := s.track(before, uint64(s.delivered.Origin.Offset))
	if err != nil {
		return err
	}
	ack := func() {
		if s.tracker.Ack(ticket) {
			chunk.ackMessage()
		}
	}
	if err := handle(s.lease, &s.delivered, ack); err != nil {
		return s.deliverError(err)
	}
	return nil
}

// deliverError is the cause of the session's end if that is why a message could not be delivered, and otherwise a
// fatal error.
func (s *session) deliverError(err error) error {
	if s.lease.Err() != nil {
		return s.cause()
	}
	return fatalf("hand over message: %w", err)
}

// handleStatus handles a status message of the server.
func (s *session) handleStatus(f *frame) error {
	header, err := nats.DecodeHeadersMsg(f.header)
	f.chunk.ackMessage()
	if err != nil {
		return fmt.Errorf("read a word of the server: %w", err)
	}
	st, err := parseStatus(header)
	if errors.Is(err, errPinLost) {
		s.pin.lose()
	}
	if err != nil {
		return err
	}
	if st.code == statusHeartbeat {
		return s.position.checkHeartbeat(st.last)
	}
	s.pulls.ended(st)
	return nil
}

// checkHeartbeat compares the last delivery that the server names with the last one that arrived. In a cluster a
// heartbeat may overtake a delivery, but not by a whole interval.
func (p *position) checkHeartbeat(last uint64) error {
	before := p.heartbeatAhead
	if p.heartbeatAhead = last != p.consumerSeq; p.heartbeatAhead && before {
		return errOutOfOrder
	}
	return nil
}

// checkGap looks into sequences that were passed over. What was filtered out or replaced is no loss. What was
// discarded from the front of the stream before it was read is a gap. What was deleted behind the front, somebody
// deleted by name or subject: it is counted and logged, and reading goes on.
func (s *session) checkGap(next uint64) error {
	from := max(s.position.streamSeq+1, s.position.resumeAt)
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
	s.deleted.Add(gone)
	s.r.metrics.deleted.Add(float64(gone))
	return nil
}
