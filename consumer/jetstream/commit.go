package jetstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// commitAfter is the number of deliveries after which a commit does not wait for its time. The work of the server for
// each ack and for each delivery grows with the number of messages that are not acked.
const commitAfter = 2000

// firstCommit is when a session commits first. A reader that is killed soon after it began, as in a storm of
// restarts, then repeats little of what was delivered to it at once.
const firstCommit = 200 * time.Millisecond

// commits is how far the session has told the server what is finished. A commit stores the checkpoint and then acks.
// The checkpoint is never behind the ack: otherwise the next reader would take the difference for purged.
type commits struct {
	soon     chan struct{}          // signaled when a commit should not wait for its time
	reply    atomic.Pointer[string] // the reply subject of a message, from which the subject of acks is made
	ackFloor atomic.Uint64          // the ack floor that the server has confirmed

	mu      sync.Mutex           // held during a whole commit
	stored  uint64               // the tracker's number of acks when the checkpoint was stored last
	acked   consumer.AckedRanges // memory for the ranges of the checkpoint
	failing bool                 // the checkpoint could not be stored last time
}

// commitEvery commits at intervals, and when a commit is due soon.
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
		case <-s.commits.soon:
			s.commit()
		}
	}
}

// commit stores the checkpoint, acks up to the committable offset, and waits until the server confirms it. It reports
// whether the server has both.
func (s *session) commit() bool {
	c := &s.commits
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.r.cfg.tuning.answer)
	defer cancel()
	committable, count := s.tracker.CommittableCount()
	if !s.storeCheckpoint(ctx) {
		return false
	}
	ackFloor, reply := uint64(committable)-1, c.reply.Load()
	if reply == nil || ackFloor <= c.ackFloor.Load() {
		return true
	}
	if !s.pin.held() {
		return false // the ack would be true, but could confuse the count of another reader's acks
	}
	err := s.r.ack(ctx, ackSubject(*reply, ackFloor, count))
	s.r.metrics.countAck(err)
	if err == nil {
		c.ackFloor.Store(ackFloor)
	}
	return err == nil
}

// storeCheckpoint stores what is acked, if that has changed. It needs no proof of the pin: the next reader begins
// with a write, and ours fails after that one. The caller holds commits.mu.
func (s *session) storeCheckpoint(ctx context.Context) bool {
	r, c := s.r, &s.commits
	committable, acked, acks := s.tracker.Acked(c.acked[:0])
	if c.acked = acked; acks == c.stored {
		return true
	}
	err := r.checkpoints.save(ctx, r.checkpoint(s.pin.id, committable, acked))
	if errors.Is(err, errFenced) {
		s.pin.lose()
		s.end(err)
		return false
	}
	if err != nil {
		r.metrics.countAck(err)
		if !c.failing {
			r.log.Warn("what is finished cannot be stored: a reader that is killed repeats it", zap.Error(err))
		}
		c.failing = true
		return false
	}
	if c.failing {
		r.log.Info("what is finished is stored again")
	}
	c.failing, c.stored = false, acks
	return true
}

var errNotCommitted = errors.New("the server has not confirmed the commit")

// commitFinal commits what was finished during the drain. If that fails, it tries again for a moment. Where the
// connection is broken and the process goes on, it does not wait: the next session of the process knows what this one
// has finished.
func (s *session) commitFinal(ctx context.Context) {
	conn, pause := s.r.conn.Conn(), s.r.cfg.tuning.retry/10
	policy := retry.Policy{First: pause, Longest: pause, Exact: true, Limit: s.r.cfg.tuning.answer}
	_ = retry.Do(context.WithoutCancel(ctx), policy, func(context.Context) error {
		switch {
		case s.commit():
			return nil
		case !s.pin.held(), errors.Is(s.cause(), errConsumerGone),
			conn.IsClosed(), ctx.Err() == nil && !conn.IsConnected():
			return retry.Permanent(errNotCommitted)
		}
		return errNotCommitted
	}) // what is not committed is delivered again
}

// logDeleted logs what checkGap has found since the last time.
func (s *session) logDeleted() {
	if n := s.deleted.Swap(0); n > 0 {
		s.r.log.Warn("messages were deleted from the middle of the stream before they were read",
			zap.Int64("messages", n))
	}
}
