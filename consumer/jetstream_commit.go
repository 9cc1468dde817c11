package consumer

import (
	"context"
	"errors"
	"time"
)

// ackAfter is how many deliveries make an acknowledgement due before its time: what the server does with one, and for each delivery
// meanwhile, grows with what is not acknowledged.
const ackAfter = 2000

// commitEvery acknowledges what is finished whenever the interval is over or much has been delivered.
func (s *session) commitEvery(done <-chan struct{}) {
	every := time.NewTicker(s.r.cfg.CommitInterval)
	defer every.Stop()
	for {
		select {
		case <-done:
			return
		case <-every.C:
			s.commit()
		case <-s.much:
			s.commit()
		}
	}
}

// commit acknowledges the floor, waits until the server confirms it, and reports whether the floor is known there.
func (s *session) commit() bool {
	s.committing.Lock()
	defer s.committing.Unlock()
	next, count := s.ledger.prefix()
	floor, reply := uint64(next)-1, s.reply.Load()
	if reply == nil || floor <= s.acked.Load() {
		return true
	}
	if !s.mayCommit() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.r.cfg.tuning.answer)
	defer cancel()
	err := s.r.ack(ctx, ackSubject(*reply, floor, count))
	s.r.metrics.acked(err)
	if err == nil {
		s.acked.Store(floor)
	}
	return err == nil
}

// mayCommit is true as long as the server promised the pin to us. An acknowledgement after that would still be true, but could
// confuse the count of another reader's.
func (s *session) mayCommit() bool { return time.Now().Before(*s.until.Load()) }

// promised notes that a request written at sent proved the pin.
func (s *session) promised(sent time.Time) {
	until := sent.Add(s.r.cfg.SessionTimeout)
	s.until.Store(&until)
}

// lost notes that the pin has passed to another reader.
func (s *session) lost() { s.until.Store(&time.Time{}) }

// commitLast acknowledges what was finished during the drain. When the connection broke it waits for the next one, for as long as
// the pin lasts; when the process ends it tries for a moment only.
func (s *session) commitLast(ctx context.Context) {
	limit := time.Now().Add(s.r.cfg.tuning.answer)
	for !s.commit() && s.mayCommit() && !errors.Is(s.why(), errConsumerGone) {
		if s.r.conn.Conn().IsClosed() || ctx.Err() != nil && time.Now().After(limit) {
			return
		}
		time.Sleep(s.r.cfg.tuning.retry / 10)
	}
}

// prefix is the floor of the ledger, which is the sequence after the last message that is done, and the number of messages that stand before it.
func (l *ledger) prefix() (next int64, count uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head < l.tail {
		return l.at(l.head).offset, l.head
	}
	return l.next, l.head
}
