package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// ackAfter is how many deliveries make an acknowledgement due before its time: what the server does with one, and for each delivery
// meanwhile, grows with what is not acknowledged.
const ackAfter = 2000

// firstCommit is when a turn commits first. A reader that is killed soon after it began, as in a storm of restarts, then repeats little of
// the much that was delivered to it at once.
const firstCommit = 200 * time.Millisecond

// commitEvery commits what is finished whenever the interval is over or much has been delivered.
func (s *session) commitEvery(done <-chan struct{}) {
	due := time.NewTimer(min(firstCommit, s.r.cfg.CommitInterval))
	defer due.Stop()
	for {
		select {
		case <-done:
			return
		case <-due.C:
			s.commit()
			s.tellDeleted()
			due.Reset(s.r.cfg.CommitInterval)
		case <-s.much:
			s.commit()
		}
	}
}

// commit stores what is finished, acknowledges the floor, waits until the server confirms it, and reports whether both are known there.
// What is stored is never behind what is acknowledged: else the difference would be taken for purged.
func (s *session) commit() bool {
	s.committing.Lock()
	defer s.committing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.r.cfg.tuning.answer)
	defer cancel()
	next, count := s.ledger.prefix()
	if !s.save(ctx) {
		return false
	}
	floor, reply := uint64(next)-1, s.reply.Load()
	if reply == nil || floor <= s.acked.Load() {
		return true
	}
	if !s.mayCommit() {
		return false
	}
	err := s.r.ack(ctx, ackSubject(*reply, floor, count))
	s.r.metrics.acked(err)
	if err == nil {
		s.acked.Store(floor)
	}
	return err == nil
}

// save stores what is finished. It needs no proof that the pin is still ours, because the next reader begins with a write that ours would
// have to follow.
func (s *session) save(ctx context.Context) bool {
	r := s.r
	next, done, news := s.ledger.settled(s.spans[:0])
	if s.spans = done; news == s.saved {
		return true
	}
	err := r.stored.save(ctx, r.checkpoint(s.pin, next, done))
	if errors.Is(err, errFenced) {
		s.lost()
		s.stop(err)
		return false
	}
	if err != nil {
		r.metrics.acked(err)
		if !s.unsaved.Swap(true) {
			r.log.Warn("what is finished cannot be stored: a reader that is killed repeats it", zap.Error(err))
		}
		return false
	}
	if s.unsaved.Swap(false) {
		r.log.Info("what is finished is stored again")
	}
	s.saved = news
	return true
}

// tellDeleted logs what hole has found since the last time.
func (s *session) tellDeleted() {
	if n := s.deleted.Swap(0); n > 0 {
		s.r.log.Warn("messages were deleted from the middle of the stream before they were read", zap.Int64("messages", n))
	}
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

// commitLast commits what was finished during the drain. When that fails it tries again for a moment; but where the connection is broken
// and the process goes on, the next turn knows what this one has finished.
func (s *session) commitLast(ctx context.Context) {
	conn := s.r.conn.Conn()
	back := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(back)
	limit := time.NewTimer(s.r.cfg.tuning.answer)
	defer limit.Stop()
	again := time.NewTicker(s.r.cfg.tuning.retry / 10)
	defer again.Stop()
	for !s.commit() && s.mayCommit() && !errors.Is(s.why(), errConsumerGone) {
		if conn.IsClosed() || ctx.Err() == nil && !conn.IsConnected() {
			return
		}
		select {
		case <-limit.C:
			return
		case <-back:
		case <-again.C:
		}
	}
}
