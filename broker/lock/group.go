package lock

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// A Group is a consumer group of Kafka whose leader, which is the member that came first, has the lock.
type Group struct {
	Broker *broker.Kafka
	Client *kafka.Client // asks for the coordinator
	Name   string
	Topic  string // that the members subscribe to; nothing of it is read
}

// Acquire joins the group until this member leads it. Whoever does not lead leaves again if the wish's Alive says so,
// and stands by as a member otherwise.
func (g Group) Acquire(ctx context.Context, w Wish) (*Lock, error) {
	m := newGroupMember(g, w.Session)
	proof, err := m.acquire(ctx, w.Waiting)
	for errors.Is(err, errFollower) {
		if err = w.Alive(); err != nil {
			break
		}
		if err = m.follow(ctx); err == nil {
			proof, err = m.acquire(ctx, w.Waiting)
		}
	}
	if err != nil {
		m.leave(context.WithoutCancel(ctx))
		return nil, err
	}
	l := &groupLock{member: m}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return Keep(ctx, proof, w.Session, l.renew, l.release), nil
}

// acquire joins until it is known whether this member leads the group, and returns the time at which that was proved.
// It returns errFollower when another has shown that it leads, and gives up when the coordinator has not answered for
// one and a half sessions.
func (m *groupMember) acquire(ctx context.Context, waiting func(until time.Time)) (proof time.Time, err error) {
	limit, cancel := context.WithTimeout(ctx, 6*m.session)
	defer cancel()
	var begun, silentSince time.Time
	again := retry.Policy{First: pause, Longest: pause, Exact: true, Passing: func(err error) bool {
		var answer kafka.Error
		switch {
		case errors.Is(err, errFollower):
			return false
		case errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.UnknownMemberId),
			errors.Is(err, kafka.IllegalGeneration):
			silentSince = time.Time{}
			return true
		case kafkatopic.IsDenied(err), errors.As(err, &answer) && !answer.Temporary():
			return false
		case silentSince.IsZero():
			silentSince = begun
		}
		return time.Since(silentSince) <= m.session*3/2
	}}
	err = retry.Do(limit, again, func(ctx context.Context) error {
		begun = time.Now()
		err := m.joining.Connect(ctx)
		if err == nil {
			proof, err = m.joinTold(ctx, waiting)
		}
		return err
	})
	return proof, err
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
	told := time.NewTimer(m.session * 2 / 5)
	defer told.Stop()
	select {
	case <-joined:
	case <-told.C:
		waiting(begun.Add(m.session))
		<-joined
	}
	return proof, err
}

// follow stays in the group until it rebalances, or has given this member up, or does not answer for a session.
func (m *groupMember) follow(ctx context.Context) error {
	for answered := time.Now(); time.Since(answered) < m.session; {
		if !retry.Sleep(ctx, m.session/4) {
			return ctx.Err()
		}
		err := m.heartbeat(ctx)
		switch {
		case err == nil:
			answered = time.Now()
		case errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.IllegalGeneration):
			return nil
		case errors.Is(err, kafka.UnknownMemberId):
			m.member.Forget()
			return nil
		}
	}
	return ctx.Err()
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
				return ErrLost
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
		return ErrLost
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
