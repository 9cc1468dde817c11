package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// lockSession is how long a lock outlives the death of its holder.
const lockSession = 10 * time.Second

// Lock joins the consumer group "ciobridge-replay.<topic>". The leader of the group, which is the member that came first, holds the
// lock; whoever else joins leaves again. A holder that died holds it for ten seconds more.
func (k *Kafka) Lock(ctx context.Context) (*Hold, error) {
	m := &groupMember{kafka: k, group: "ciobridge-replay." + k.topic}
	sent, err := m.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock: group %s: %w", m.group, err)
	}
	return keep(ctx, sent, lockSession, m.renew, m.leave), nil
}

// groupMember is this process in the group. It is used by one goroutine at a time.
type groupMember struct {
	kafka      *Kafka
	group      string
	id         string
	generation int
}

// take joins until the coordinator answers, for as long as dead members and a coordinator that is starting may need.
func (m *groupMember) take(ctx context.Context) (sent time.Time, err error) {
	limit, cancel := context.WithTimeout(ctx, 3*lockSession)
	defer cancel()
	for {
		sent = time.Now()
		if err = m.join(limit); err == nil {
			return sent, nil
		}
		if errors.Is(err, errLockLost) {
			m.leave(context.WithoutCancel(ctx))
			return sent, ErrReplayRunning
		}
		denied := errors.Is(kafkaError(limit, err), ErrDenied)
		select {
		case <-limit.Done():
			denied = true
		case <-time.After(readPause):
		}
		if denied {
			m.leave(context.WithoutCancel(ctx))
			return sent, kafkaError(ctx, err)
		}
	}
}

// join makes one attempt to become the leader of a generation. It returns errLockLost where another is the leader.
func (m *groupMember) join(ctx context.Context) error {
	res, err := m.kafka.client.JoinGroup(ctx, &kafka.JoinGroupRequest{
		GroupID: m.group, MemberID: m.id, SessionTimeout: lockSession, RebalanceTimeout: lockSession, ProtocolType: "consumer",
		Protocols: []kafka.GroupProtocol{{Name: "first", Metadata: kafka.GroupProtocolSubscription{Topics: []string{m.kafka.topic}}}},
	})
	if err != nil {
		return err
	}
	switch {
	case errors.Is(res.Error, kafka.MemberIDRequired):
		m.id = res.MemberID
		return m.join(ctx)
	case errors.Is(res.Error, kafka.UnknownMemberId):
		m.id = ""
		return res.Error
	case res.Error != nil:
		return res.Error
	}
	m.id, m.generation = res.MemberID, res.GenerationID
	if res.LeaderID != m.id {
		return errLockLost
	}
	var assignments []kafka.SyncGroupRequestAssignment
	for _, member := range res.Members {
		assignments = append(assignments, kafka.SyncGroupRequestAssignment{MemberID: member.ID})
	}
	sync, err := m.kafka.client.SyncGroup(ctx, &kafka.SyncGroupRequest{
		GroupID: m.group, MemberID: m.id, GenerationID: m.generation, ProtocolType: "consumer", ProtocolName: "first",
		Assignments: assignments,
	})
	if err != nil {
		return err
	}
	return sync.Error
}

// renew joins again, which a leader may at any time and which lets whoever waits to come in see that it is not the leader. It is not
// a heartbeat because that of kafka-go's client is sent to any broker, and its error read from where the throttle time stands.
func (m *groupMember) renew(ctx context.Context) error {
	err := m.join(ctx)
	if errors.Is(err, kafka.UnknownMemberId) {
		return errLockLost
	}
	return err
}

// leave frees the group at once. A failure costs the next replay the rest of the session, and nothing else.
func (m *groupMember) leave(ctx context.Context) {
	if m.id == "" {
		return
	}
	_, _ = m.kafka.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
		GroupID: m.group, Members: []kafka.LeaveGroupRequestMember{{ID: m.id}},
	})
}
