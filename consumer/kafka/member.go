package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/syncgroup"

	"github.com/ciobridge/ciobridge/broker"
)

// member is our membership in the consumer group, over one connection to the group's coordinator. It starts no goroutine and is
// safe for concurrent use; requests wait for each other.
type member struct {
	config  *Config
	cluster *cluster

	mu   sync.Mutex
	conn *broker.KafkaConn
	id   string // given by the coordinator; empty for a new member
}

// assignment is what a generation of the group gives to this member.
type assignment struct {
	generation int32
	member     string
	proof      time.Time        // when the request was written whose answer is this assignment
	partitions map[string][]int // by topic
	replicas   int              // members of the group that were given partitions
	counts     map[string]int   // of partitions by topic, as the group's leader saw them; nil unless that is us
}

// groupProtocol is Kafka's range assignment: partitions of the same number of several topics go to the same member, so that
// topics with the same keys are read by one replica.
var groupProtocol kafka.RangeGroupBalancer

// call makes a request to the coordinator, which it finds first if need be.
func (m *member) call(ctx context.Context, limit time.Duration, req protocol.Message) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		addr, err := m.cluster.coordinator(ctx, m.config.Group)
		if err != nil {
			return nil, err
		}
		if m.conn, err = m.cluster.kafka.Dial(ctx, addr); err != nil {
			m.conn = nil
			return nil, err
		}
	}
	res, err := m.conn.RoundTrip(ctx, req)
	if err != nil {
		m.conn = nil
	}
	return res, err
}

// soon is the limit of a request that must be answered well within a session.
func (m *member) soon() time.Duration { return m.config.SessionTimeout / 3 }

// check turns the error code of an answer into an error and draws the consequences: it looks for the coordinator anew when it has
// moved, and joins as a new member when the group has forgotten this one.
func (m *member) check(doing string, code int16) error {
	switch kafka.Error(code) {
	case 0:
		return nil
	case kafka.NotCoordinatorForGroup, kafka.GroupCoordinatorNotAvailable:
		m.disconnect()
	case kafka.UnknownMemberId, kafka.FencedInstanceID:
		m.setID("")
	}
	return brokerError(doing, code)
}

func (m *member) setID(id string) {
	m.mu.Lock()
	m.id = id
	m.mu.Unlock()
}

func (m *member) currentID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.id
}

func (m *member) disconnect() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != nil {
		m.conn.Close()
		m.conn = nil
	}
}

// join joins the group, or joins it again for its next generation, and waits for the assignment.
func (m *member) join(ctx context.Context) (*assignment, error) {
	joined, err := m.joinGroup(ctx)
	if err != nil {
		return nil, err
	}
	a := &assignment{generation: joined.GenerationID, member: joined.MemberID}
	var plan []syncgroup.RequestAssignment
	if joined.LeaderID == joined.MemberID {
		if plan, a.counts, err = m.assign(ctx, joined.Members); err != nil {
			return nil, err
		}
	}
	a.proof = time.Now()
	res, err := m.call(ctx, m.config.RebalanceTimeout, &syncgroup.Request{
		GroupID: m.config.Group, GenerationID: a.generation, MemberID: a.member, Assignments: plan,
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the assignment: %w", err)
	}
	synced := res.(*syncgroup.Response)
	if err := m.check("ask for the assignment", synced.ErrorCode); err != nil {
		return nil, err
	}
	a.partitions, a.replicas, err = decodeAssignment(synced.Assignments)
	return a, err
}

func (m *member) joinGroup(ctx context.Context) (*joingroup.Response, error) {
	topics, err := encodeSubscription(m.config.Topics)
	if err != nil {
		return nil, err
	}
	for {
		// The coordinator answers when all members are there, or have been given up on.
		res, err := m.call(ctx, m.config.RebalanceTimeout+m.config.SessionTimeout, &joingroup.Request{
			GroupID:            m.config.Group,
			SessionTimeoutMS:   int32(m.config.SessionTimeout.Milliseconds()),
			RebalanceTimeoutMS: int32(m.config.RebalanceTimeout.Milliseconds()),
			MemberID:           m.currentID(),
			ProtocolType:       "consumer",
			Protocols:          []joingroup.RequestProtocol{{Name: groupProtocol.ProtocolName(), Metadata: topics}},
		})
		if err != nil {
			return nil, fmt.Errorf("join the group: %w", err)
		}
		joined := res.(*joingroup.Response)
		if kafka.Error(joined.ErrorCode) == kafka.MemberIDRequired {
			m.setID(joined.MemberID)
			continue
		}
		if err := m.check("join the group", joined.ErrorCode); err != nil {
			return nil, err
		}
		m.setID(joined.MemberID)
		return joined, nil
	}
}

// assign divides the partitions of all topics among the members.
func (m *member) assign(ctx context.Context, members []joingroup.ResponseMember) ([]syncgroup.RequestAssignment, map[string]int, error) {
	var all []kafka.GroupMember
	var topics []string
	for _, gm := range members {
		sub, err := decodeSubscription(gm.Metadata)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, kafka.GroupMember{ID: gm.MemberID, Topics: sub})
		topics = append(topics, sub...)
	}
	slices.Sort(topics)
	topics = slices.Compact(topics)
	ctx, cancel := context.WithTimeout(ctx, m.config.SessionTimeout)
	defer cancel()
	l, err := m.cluster.metadata(ctx, topics)
	if err != nil {
		return nil, nil, err
	}
	counts := make(map[string]int, len(topics))
	var partitions []kafka.Partition
	for _, topic := range topics {
		counts[topic] = len(l.leaders[topic])
		for _, p := range l.leaders[topic] {
			partitions = append(partitions, kafka.Partition{Topic: topic, ID: int(p.partition)})
		}
	}
	plan := make([]syncgroup.RequestAssignment, 0, len(all))
	shares := groupProtocol.AssignGroups(all, partitions)
	replicas := 0
	for _, share := range shares {
		if slices.ContainsFunc(slices.Collect(maps.Values(share)), func(ids []int) bool { return len(ids) > 0 }) {
			replicas++
		}
	}
	for _, gm := range all {
		b, err := encodeAssignment(shares[gm.ID], replicas)
		if err != nil {
			return nil, nil, err
		}
		plan = append(plan, syncgroup.RequestAssignment{MemberID: gm.ID, Assignment: b})
	}
	return plan, counts, nil
}

// heartbeat gives a sign of life. kafka.RebalanceInProgress also says that we are still a member.
func (m *member) heartbeat(ctx context.Context, a *assignment) error {
	res, err := m.call(ctx, m.soon(), &heartbeat.Request{GroupID: m.config.Group, GenerationID: a.generation, MemberID: a.member})
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return m.check("heartbeat", res.(*heartbeat.Response).ErrorCode)
}

// leave tells the group that we are gone, so that it does not have to wait for the session to time out.
func (m *member) leave(ctx context.Context) error {
	id := m.currentID()
	if id == "" {
		return nil
	}
	m.setID("")
	res, err := m.call(ctx, m.soon(), &leavegroup.Request{
		GroupID: m.config.Group, Members: []leavegroup.RequestMember{{MemberID: id}},
	})
	if err != nil {
		return fmt.Errorf("leave the group: %w", err)
	}
	return m.check("leave the group", res.(*leavegroup.Response).ErrorCode)
}

// expelled reports whether the error says that the group has gone on without us.
func expelled(err error) bool {
	return errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.FencedInstanceID)
}
