package lock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker/kafkagroup"
)

// groupMember is this process in the consumer group of the lock.
//
// It has two connections to the coordinator, because the answer to JoinGroup waits for members that have died, and
// meanwhile only heartbeats prove that the coordinator still counts on this one.
type groupMember struct {
	group   Group
	session time.Duration
	member  *kafkagroup.Member
	joining *kafkagroup.Coordinator // for JoinGroup, SyncGroup and LeaveGroup; used by one goroutine at a time
	beating *kafkagroup.Coordinator // for Heartbeat

	mu     sync.Mutex
	stable time.Time // the group was last known not to rebalance when a request was sent at this time
}

func newGroupMember(g Group, session time.Duration) *groupMember {
	m := &groupMember{group: g, session: session}
	m.joining, m.beating = m.coordinator(), m.coordinator()
	m.member = kafkagroup.NewMember(kafkagroup.Config{
		Group: g.Name, Protocol: "first", Topics: []string{g.Topic},
		SessionTimeout: session, RebalanceTimeout: m.rebalance(),
		// To one that follows, the coordinator answers when the leader has called, or has been given up on.
		SyncTimeout: m.rebalance() + session,
	}, m.joining, m.beating)
	return m
}

func (m *groupMember) coordinator() *kafkagroup.Coordinator {
	return &kafkagroup.Coordinator{Find: m.findCoordinator, Dial: m.group.Broker.Dial,
		ConnectLimit: m.session * 3 / 4}
}

func (m *groupMember) findCoordinator(ctx context.Context) (addr string, err error) {
	found, err := m.group.Client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{
		Key: m.group.Name, KeyType: kafka.CoordinatorKeyTypeConsumer,
	})
	if err == nil {
		err = found.Error
	}
	if err != nil {
		return "", fmt.Errorf("find the coordinator: %w", err)
	}
	return net.JoinHostPort(found.Coordinator.Host, strconv.Itoa(found.Coordinator.Port)), nil
}

// rebalance is how long the coordinator waits for a living member to join again. Dead ones are gone after a session.
func (m *groupMember) rebalance() time.Duration { return 3 * m.session }

// noteStable notes that a request sent at that time found the group not rebalancing.
func (m *groupMember) noteStable(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stable = at
}

// awaited reports whether the coordinator is sure to wait for this member for a session more, although the group
// rebalances.
func (m *groupMember) awaited() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.stable) <= m.rebalance()-m.session
}

// errFollower means that another member leads the group.
var errFollower = errors.New("another member leads the group")

// join makes one attempt to become the leader of the group's next generation and returns when that was proved: before
// the request that only a living leader answers, and not before JoinGroup, whose answer waits for members that have
// died. It returns errFollower where another is the leader and has just shown that it lives.
func (m *groupMember) join(ctx context.Context) (proof time.Time, err error) {
	leads, err := kafkagroup.EncodeAssignment(nil, 1)
	if err != nil {
		return time.Time{}, err
	}
	g, err := m.member.Join(ctx, func(context.Context, []kafkagroup.Subscriber) (map[string][]byte, error) {
		return map[string][]byte{m.member.Current().Member: leads}, nil
	})
	if err != nil {
		return g.Proof, err
	}
	// Nobody is given anything to read. What the leader gives itself comes back to the one whose word counted, should a
	// coordinator have told several that they lead.
	if !g.Leads || !bytes.Equal(g.Assignment, leads) {
		return g.Proof, errFollower
	}
	m.noteStable(g.Proof)
	return g.Proof, nil
}

// heartbeat proves that the coordinator counts this member among the group's. kafka.RebalanceInProgress proves that
// too.
func (m *groupMember) heartbeat(ctx context.Context) error {
	sent := time.Now()
	err := m.member.Heartbeat(ctx, m.member.Current())
	if err == nil {
		m.noteStable(sent)
	}
	return err
}

// leave frees the group at once. A failure costs the next replay the rest of the session, and nothing else.
func (m *groupMember) leave(ctx context.Context) {
	_ = m.member.Leave(ctx, m.session/2)
	m.joining.Close()
	m.beating.Close()
}
