package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/deadletter"
)

// Lock joins the consumer group "ciobridge-replay.<topic>". The leader of the group, which is the member that came first, holds the
// lock; whoever else joins leaves again. A holder that died holds it for ten seconds more, and is waited for.
func (k *Store) Lock(ctx context.Context, waiting func(until time.Time)) (*deadletter.Lock, error) {
	m := newGroupMember(k)
	proof, err := m.acquire(ctx, waiting)
	if err != nil {
		m.leave(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("lock: group %s: %w", m.group, err)
	}
	h := &groupHold{member: m}
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return deadletter.KeepLock(ctx, proof, k.session, h.renew, h.release), nil
}

// acquire joins until this member leads the group, and returns when that was proved. It gives up when another has shown that it
// leads, and when the coordinator has not answered for one and a half sessions.
func (m *groupMember) acquire(ctx context.Context, waiting func(until time.Time)) (proof time.Time, err error) {
	limit, cancel := context.WithTimeout(ctx, 6*m.session())
	defer cancel()
	var silentSince time.Time
	for {
		begun := time.Now()
		if err = m.joining.Connect(limit); err == nil {
			proof, err = m.joinTold(limit, waiting)
		}
		if err == nil {
			return proof, nil
		}
		var answer kafka.Error
		switch {
		case errors.Is(err, errFollower):
			return proof, deadletter.ErrReplayRunning
		case errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.IllegalGeneration):
			silentSince = time.Time{}
		case errors.Is(kafkaError(ctx, err), deadletter.ErrDenied), errors.As(err, &answer) && !answer.Temporary():
			return proof, m.kafka.withAddresses(ctx, err)
		default:
			if silentSince.IsZero() {
				silentSince = begun
			}
			if time.Since(silentSince) > m.session()*3/2 {
				return proof, m.kafka.withAddresses(ctx, err)
			}
		}
		select {
		case <-limit.Done():
			return proof, m.kafka.withAddresses(ctx, err)
		case <-time.After(readPause):
		}
	}
}

// joinTold joins, and tells when the coordinator takes longer to answer than for a group that nobody is in: then it waits for one
// that holds the lock or died with it, whose session ends by the time that waiting is given.
func (m *groupMember) joinTold(ctx context.Context, waiting func(until time.Time)) (proof time.Time, err error) {
	begun := time.Now()
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		proof, err = m.join(ctx)
	}()
	told := time.NewTimer(m.session() * 2 / 5)
	defer told.Stop()
	select {
	case <-joined:
	case <-told.C:
		waiting(begun.Add(m.session()))
		<-joined
	}
	return proof, err
}

// groupHold keeps a lock that was taken.
type groupHold struct {
	member    *groupMember
	ctx       context.Context // ends with the hold
	cancel    context.CancelFunc
	rejoining chan rejoined // nil while no rejoin is under way
}

// rejoined is the end of a rejoin.
type rejoined struct{ err error }

// renew gives a sign of life. While the group rebalances, because another has come or gone, it joins again beside that.
func (h *groupHold) renew(ctx context.Context) error {
	if h.rejoining != nil {
		select {
		case answer := <-h.rejoining:
			h.rejoining = nil
			switch {
			case errors.Is(answer.err, errFollower), errors.Is(answer.err, kafka.UnknownMemberId):
				return deadletter.ErrLockTaken
			case answer.err != nil:
				h.rejoin()
			}
		default:
		}
	}
	err := h.member.heartbeat(ctx)
	switch {
	case errors.Is(err, kafka.RebalanceInProgress):
		h.rejoin()
		if h.member.awaited() {
			return nil
		}
	case errors.Is(err, kafka.IllegalGeneration) && h.rejoining != nil:
		// The next generation has begun, and the answer that tells it is on its way.
	case errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.IllegalGeneration):
		return deadletter.ErrLockTaken
	}
	return err
}

// rejoin joins again, unless that is under way.
func (h *groupHold) rejoin() {
	if h.rejoining != nil {
		return
	}
	answer := make(chan rejoined, 1)
	h.rejoining = answer
	go func() {
		_, err := h.member.join(h.ctx)
		answer <- rejoined{err}
	}()
}

// release leaves the group.
func (h *groupHold) release(ctx context.Context) {
	h.cancel()
	if h.rejoining != nil {
		<-h.rejoining // whether it joined or not, it leaves
	}
	h.member.leave(ctx)
}
