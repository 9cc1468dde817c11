package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// commitAfter is how many deliveries make an acknowledgement due before its time: what the server does with one, and for each delivery
// meanwhile, grows with what is not acknowledged.
const commitAfter = 2000

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
			s.logDeleted()
			due.Reset(s.r.cfg.CommitInterval)
		case <-s.commitSoon:
			s.commit()
		}
	}
}

// commit stores what is finished, acknowledges the floor, waits until the server confirms it, and reports whether both are known there.
// What is stored is never behind what is acknowledged: else the difference would be taken for purged.
func (s *session) commit() bool {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.r.cfg.tuning.answer)
	defer cancel()
	next, count := s.tracker.CommittableCount()
	if !s.saveCheckpoint(ctx) {
		return false
	}
	floor, reply := uint64(next)-1, s.reply.Load()
	if reply == nil || floor <= s.ackFloor.Load() {
		return true
	}
	if !s.holdsPin() {
		return false
	}
	err := s.r.ack(ctx, ackSubject(*reply, floor, count))
	s.r.metrics.countAck(err)
	if err == nil {
		s.ackFloor.Store(floor)
	}
	return err == nil
}

// saveCheckpoint stores what is finished. It needs no proof that the pin is still ours, because the next reader begins with a write that ours would
// have to follow.
func (s *session) saveCheckpoint(ctx context.Context) bool {
	r := s.r
	next, done, news := s.tracker.Acked(s.ackedBuf[:0])
	if s.ackedBuf = done; news == s.savedVersion {
		return true
	}
	err := r.checkpoints.save(ctx, r.checkpoint(s.pin, next, done))
	if errors.Is(err, errFenced) {
		s.losePin()
		s.end(err)
		return false
	}
	if err != nil {
		r.metrics.countAck(err)
		if !s.saveFailed.Swap(true) {
			r.log.Warn("what is finished cannot be stored: a reader that is killed repeats it", zap.Error(err))
		}
		return false
	}
	if s.saveFailed.Swap(false) {
		r.log.Info("what is finished is stored again")
	}
	s.savedVersion = news
	return true
}

// logDeleted logs what checkGap has found since the last time.
func (s *session) logDeleted() {
	if n := s.deletedCount.Swap(0); n > 0 {
		s.r.log.Warn("messages were deleted from the middle of the stream before they were read", zap.Int64("messages", n))
	}
}

// holdsPin is true as long as the server promised the pin to us. An acknowledgement after that would still be true, but could
// confuse the count of another reader's.
func (s *session) holdsPin() bool { return time.Now().Before(*s.pinUntil.Load()) }

// extendPin notes that a request written at sent proved the pin.
func (s *session) extendPin(sent time.Time) {
	until := sent.Add(s.r.cfg.SessionTimeout)
	s.pinUntil.Store(&until)
}

// losePin notes that the pin has passed to another reader.
func (s *session) losePin() { s.pinUntil.Store(&time.Time{}) }

// commitFinal commits what was finished during the drain. When that fails it tries again for a moment; but where the connection is broken
// and the process goes on, the next turn knows what this one has finished.
func (s *session) commitFinal(ctx context.Context) {
	conn := s.r.conn.Conn()
	back := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(back)
	limit := time.NewTimer(s.r.cfg.tuning.answer)
	defer limit.Stop()
	again := time.NewTicker(s.r.cfg.tuning.retry / 10)
	defer again.Stop()
	for !s.commit() && s.holdsPin() && !errors.Is(s.cause(), errConsumerGone) {
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
