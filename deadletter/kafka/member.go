package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	subscription "github.com/segmentio/kafka-go/protocol/consumer"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/syncgroup"

	"github.com/ciobridge/ciobridge/broker"
)

// groupMember is this process in the consumer group of the lock.
//
// It has two connections to the coordinator, because the answer to JoinGroup waits for members that have died, and meanwhile only
// heartbeats prove that the coordinator still counts on this one.
type groupMember struct {
	kafka   *Store
	group   string
	joining *broker.KafkaConn // for JoinGroup, SyncGroup and LeaveGroup; used by one goroutine at a time
	beating *broker.KafkaConn // for Heartbeat

	mu         sync.Mutex
	id         string
	generation int32
	settled    time.Time // the group was last known not to rebalance when a request was sent at this time
}

func (m *groupMember) session() time.Duration { return m.kafka.session }

// rebalance is how long the coordinator waits for a living member to join again. Dead ones are gone after a session.
func (m *groupMember) rebalance() time.Duration { return 3 * m.kafka.session }

// call makes a request over one of the two connections, which it opens first if need be.
func (m *groupMember) call(ctx context.Context, conn **broker.KafkaConn, limit time.Duration, req protocol.Message) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := m.connect(ctx, conn); err != nil {
		return nil, err
	}
	res, err := (*conn).RoundTrip(ctx, req)
	if err != nil {
		*conn = nil
	}
	return res, err
}

// connect finds the coordinator and opens one of the two connections, unless it is open.
func (m *groupMember) connect(ctx context.Context, conn **broker.KafkaConn) error {
	if *conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, m.session()*3/4)
	defer cancel()
	found, err := m.kafka.client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: m.group, KeyType: kafka.CoordinatorKeyTypeConsumer})
	if err == nil {
		err = found.Error
	}
	if err != nil {
		return fmt.Errorf("find the coordinator: %w", err)
	}
	addr := net.JoinHostPort(found.Coordinator.Host, strconv.Itoa(found.Coordinator.Port))
	if *conn, err = m.kafka.broker.Dial(ctx, addr); err != nil {
		*conn = nil
	}
	return err
}

// check turns the error code of an answer into an error. A coordinator that has moved is looked for anew, and a member that the
// group has forgotten joins as a new one.
func (m *groupMember) check(conn **broker.KafkaConn, doing string, code int16) error {
	switch kafka.Error(code) {
	case 0:
		return nil
	case kafka.NotCoordinatorForGroup, kafka.GroupCoordinatorNotAvailable:
		(*conn).Close()
		*conn = nil
	case kafka.UnknownMemberId:
		m.set("", 0)
	}
	return fmt.Errorf("%s: %w", doing, kafka.Error(code))
}

func (m *groupMember) set(id string, generation int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id, m.generation = id, generation
}

func (m *groupMember) current() (id string, generation int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.id, m.generation
}

// noteSettled notes that a request sent at that time found the group not rebalancing.
func (m *groupMember) noteSettled(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settled = at
}

// awaited reports whether the coordinator is sure to wait for this member for a session more, although the group rebalances.
func (m *groupMember) awaited() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.settled) <= m.rebalance()-m.session()
}

// join makes one attempt to become the leader of the group's next generation and returns when that was proved: before the request
// that only a living leader answers, and not before JoinGroup, whose answer waits for members that have died. It returns errFollower
// where another is the leader and has just shown that it lives.
func (m *groupMember) join(ctx context.Context) (proof time.Time, err error) {
	joined, err := m.joinGroup(ctx)
	if err != nil {
		return time.Time{}, err
	}
	m.set(joined.MemberID, joined.GenerationID)
	leads := joined.LeaderID == joined.MemberID
	var assignments []syncgroup.RequestAssignment
	if leads {
		for _, member := range joined.Members {
			assignments = append(assignments, syncgroup.RequestAssignment{MemberID: member.MemberID})
		}
	}
	proof = time.Now()
	// To one that follows, the coordinator answers when the leader has called, or has been given up on.
	res, err := m.call(ctx, &m.joining, m.rebalance()+m.session(), &syncgroup.Request{
		GroupID: m.group, GenerationID: joined.GenerationID, MemberID: joined.MemberID, Assignments: assignments,
	})
	if err != nil {
		return proof, fmt.Errorf("sync: %w", err)
	}
	if err := m.check(&m.joining, "sync", res.(*syncgroup.Response).ErrorCode); err != nil {
		return proof, err
	}
	if !leads {
		return proof, errFollower
	}
	m.noteSettled(proof)
	return proof, nil
}

// errFollower means that another member leads the group.
var errFollower = errors.New("another member leads the group")

func (m *groupMember) joinGroup(ctx context.Context) (*joingroup.Response, error) {
	metadata, err := protocol.Marshal(0, subscription.Subscription{Topics: []string{m.kafka.topic}})
	if err != nil {
		return nil, fmt.Errorf("join: encode: %w", err)
	}
	for {
		id, _ := m.current()
		res, err := m.call(ctx, &m.joining, m.rebalance()+m.session(), &joingroup.Request{
			GroupID: m.group, MemberID: id, ProtocolType: "consumer",
			SessionTimeoutMS: int32(m.session().Milliseconds()), RebalanceTimeoutMS: int32(m.rebalance().Milliseconds()),
			Protocols: []joingroup.RequestProtocol{{Name: "first", Metadata: metadata}},
		})
		if err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
		joined := res.(*joingroup.Response)
		if kafka.Error(joined.ErrorCode) == kafka.MemberIDRequired {
			m.set(joined.MemberID, 0)
			continue
		}
		return joined, m.check(&m.joining, "join", joined.ErrorCode)
	}
}

// heartbeat proves that the coordinator counts this member among the group's. kafka.RebalanceInProgress proves that too.
func (m *groupMember) heartbeat(ctx context.Context) error {
	id, generation := m.current()
	sent := time.Now()
	res, err := m.call(ctx, &m.beating, m.session()/3, &heartbeat.Request{GroupID: m.group, GenerationID: generation, MemberID: id})
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	code := res.(*heartbeat.Response).ErrorCode
	if code == 0 {
		m.noteSettled(sent)
	}
	if kafka.Error(code) == kafka.UnknownMemberId {
		return fmt.Errorf("heartbeat: %w", kafka.UnknownMemberId) // the id is kept: it may be that of a join that is under way
	}
	return m.check(&m.beating, "heartbeat", code)
}

// leave frees the group at once. A failure costs the next replay the rest of the session, and nothing else.
func (m *groupMember) leave(ctx context.Context) {
	if id, _ := m.current(); id != "" {
		_, _ = m.call(ctx, &m.joining, m.session()/2, &leavegroup.Request{
			GroupID: m.group, Members: []leavegroup.RequestMember{{MemberID: id}},
		})
	}
	for _, conn := range []*broker.KafkaConn{m.joining, m.beating} {
		if conn != nil {
			conn.Close()
		}
	}
}
