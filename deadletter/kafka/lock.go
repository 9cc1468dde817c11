package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// lockPause is the pause between two tries for the lock.
const lockPause = 200 * time.Millisecond

// Lock joins the consumer group "ciobridge-replay.<topic>". The leader of the group, which is the member that came
// first, holds the lock. Any other member leaves again. A holder that died keeps the lock for ten seconds more, and is
// waited for.
func (k *Store) Lock(ctx context.Context, waiting func(until time.Time)) (*deadletter.Lock, error) {
	m := newGroupMember(k)
	proof, err := m.acquire(ctx, waiting)
	if err != nil {
		m.leave(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("lock: group %s: %w", m.group, err)
	}
	l := &groupLock{member: m}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return deadletter.KeepLock(ctx, proof, k.session, l.renew, l.release), nil
}

// acquire joins until this member leads the group, and returns the time at which that was proved. It gives up when
// another has shown that it leads, and when the coordinator has not answered for one and a half sessions.
func (m *groupMember) acquire(ctx context.Context, waiting func(until time.Time)) (proof time.Time, err error) {
	limit, cancel := context.WithTimeout(ctx, 6*m.session())
	defer cancel()
	var begun, silentSince time.Time
	again := retry.Policy{First: lockPause, Longest: lockPause, Exact: true, Passing: func(err error) bool {
		var answer kafka.Error
		switch {
		case errors.Is(err, errFollower):
			return false
		case errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.UnknownMemberId),
			errors.Is(err, kafka.IllegalGeneration):
			silentSince = time.Time{}
			return true
		case errors.Is(kafkaError(ctx, err), deadletter.ErrDenied), errors.As(err, &answer) && !answer.Temporary():
			return false
		case silentSince.IsZero():
			silentSince = begun
		}
		return time.Since(silentSince) <= m.session()*3/2
	}}
	err = retry.Do(limit, again, func(ctx context.Context) error {
		begun = time.Now()
		err := m.joining.Connect(ctx)
		if err == nil {
			proof, err = m.joinTold(ctx, waiting)
		}
		return err
	})
	switch {
	case err == nil:
		return proof, nil
	case errors.Is(err, errFollower):
		return proof, deadletter.ErrReplayRunning
	}
	return proof, m.kafka.withAddresses(ctx, err)
}

// joinTold joins. If the coordinator takes longer to answer than for an empty group, it waits for a member that holds
// the lock or died with it; then waiting is called with the time by which that member's session ends.
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

// groupLock keeps a lock that was taken.
type groupLock struct {
	member    *groupMember
	ctx       context.Context // ends with the lock
	cancel    context.CancelFunc
	rejoining chan rejoined // nil while no rejoin is under way
}

// rejoined is the end of a rejoin.
type rejoined struct{ err error }

// renew sends a heartbeat. While the group rebalances, because another has come or gone, it joins again in a goroutine.
func (l *groupLock) renew(ctx context.Context) error {
	if l.rejoining != nil {
		select {
		case answer := <-l.rejoining:
			l.rejoining = nil
			switch {
			case errors.Is(answer.err, errFollower), errors.Is(answer.err, kafka.UnknownMemberId):
				return deadletter.ErrLockTaken
			case answer.err != nil:
				l.rejoin()
			}
		default:
		}
	}
	err := l.member.heartbeat(ctx)
	switch {
	case errors.Is(err, kafka.RebalanceInProgress):
		l.rejoin()
		if l.member.awaited() {
			return nil
		}
	case errors.Is(err, kafka.IllegalGeneration) && l.rejoining != nil:
		// The next generation has begun, and the answer that tells it is on its way.
	case errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.IllegalGeneration):
		return deadletter.ErrLockTaken
	}
	return err
}

// rejoin joins again, unless that is under way.
func (l *groupLock) rejoin() {
	if l.rejoining != nil {
		return
	}
	answer := make(chan rejoined, 1)
	l.rejoining = answer
	go func() {
		_, err := l.member.join(l.ctx)
		answer <- rejoined{err}
	}()
}

// release leaves the group.
func (l *groupLock) release(ctx context.Context) {
	l.cancel()
	if l.rejoining != nil {
		<-l.rejoining // whether it joined or not, it leaves
	}
	l.member.leave(ctx)
}
