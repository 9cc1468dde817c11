package kafkagroup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/syncgroup"

	"github.com/ciobridge/ciobridge/broker"
)

// Config says which group is joined, and how.
type Config struct {
	Group string
	// Protocol names the way in which the leader divides the work. All members of a group name the same.
	Protocol string
	// Topics are what this member subscribes to, unless Subscribe has said otherwise.
	Topics []string
	// SessionTimeout is how long the coordinator waits for a heartbeat before it gives the member up.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long the coordinator waits for a living member to join the next generation.
	RebalanceTimeout time.Duration
	// SyncTimeout is how long this member waits for its assignment, which comes when the leader has made it.
	SyncTimeout time.Duration
}

// Member is this process in a consumer group. It has no id until it joins for the first time, and keeps the one that
// the coordinator gives it for all generations that follow, until it leaves or the group has forgotten it. It is safe
// for concurrent use.
type Member struct {
	config  Config
	joining *Coordinator // for JoinGroup, SyncGroup and LeaveGroup
	beating *Coordinator // for Heartbeat

	mu      sync.Mutex
	current Generation
	topics  []string
}

// Generation is one division of the work among the members of a group.
type Generation struct {
	ID         int32
	Member     string    // this member's id
	Leads      bool      // this member made the assignments
	Proof      time.Time // when the request was written whose answer brought the assignment
	Assignment []byte    // to this member, as the leader encoded it
}

// NoGeneration is the id of the generation of a request from outside the group.
const NoGeneration = -1

// Subscriber is a member of the group as the leader sees it.
type Subscriber struct {
	Member       string
	Subscription []byte
}

// NewMember makes a member that has not joined yet. Heartbeats go over beating, all else over joining; they may be the
// same.
func NewMember(c Config, joining, beating *Coordinator) *Member {
	return &Member{config: c, joining: joining, beating: beating, topics: c.Topics}
}

// Subscribe says what the member subscribes to from its next Join on.
func (m *Member) Subscribe(topics []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.topics = topics
}

func (m *Member) subscription() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return encodeSubscription(m.topics)
}

// Current is the generation that the member has joined last. It is told as soon as the generation has begun, when Leads
// and what follows it are not known yet.
func (m *Member) Current() Generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current
}

func (m *Member) set(id string, generation int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current = Generation{ID: generation, Member: id}
}

// Forget makes the member join as a new one the next time, because the group has gone on without it.
func (m *Member) Forget() { m.set("", 0) }

// Check turns the error code of an answer of the coordinator into an error and draws the consequences: the coordinator
// is looked for anew where it has moved, and a member that the group has forgotten joins as a new one.
func (m *Member) Check(doing string, code int16) error {
	err := broker.NeedsGroup(m.joining.check(doing, code), "Read", m.config.Group)
	if Forgotten(err) {
		m.Forget()
	}
	return err
}

// Forgotten reports whether the error says that the group does not know the member any more.
func Forgotten(err error) bool {
	return errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.FencedInstanceID)
}

// Expelled reports whether the error says that the group has gone on without the member.
func Expelled(err error) bool { return Forgotten(err) || errors.Is(err, kafka.IllegalGeneration) }

// Join makes one attempt to join the group, or to join its next generation, and waits for the assignment. Assign makes
// the assignments, by member, if this member leads. After an error of SyncGroup the generation is returned too, as far
// as it is known.
func (m *Member) Join(
	ctx context.Context, assign func(context.Context, []Subscriber) (map[string][]byte, error),
) (Generation, error) {
	joined, err := m.joinGroup(ctx)
	if err != nil {
		return Generation{}, err
	}
	g := Generation{ID: joined.GenerationID, Member: joined.MemberID, Leads: joined.LeaderID == joined.MemberID}
	var plan []syncgroup.RequestAssignment
	if g.Leads {
		if plan, err = makePlan(ctx, joined.Members, assign); err != nil {
			return g, err
		}
	}
	g.Proof = time.Now()
	res, err := m.joining.Call(ctx, m.config.SyncTimeout, &syncgroup.Request{
		GroupID: m.config.Group, GenerationID: g.ID, MemberID: g.Member, Assignments: plan,
	})
	if err != nil {
		return g, fmt.Errorf("ask for the assignment: %w", err)
	}
	synced := res.(*syncgroup.Response)
	g.Assignment = synced.Assignments
	return g, m.Check("ask for the assignment", synced.ErrorCode)
}

func makePlan(
	ctx context.Context, members []joingroup.ResponseMember, assign func(context.Context,
		[]Subscriber) (map[string][]byte, error),
) ([]syncgroup.RequestAssignment, error) {
	subscribers := make([]Subscriber, len(members))
	for i, member := range members {
		subscribers[i] = Subscriber{Member: member.MemberID, Subscription: member.Metadata}
	}
	assignments, err := assign(ctx, subscribers)
	if err != nil {
		return nil, err
	}
	plan := make([]syncgroup.RequestAssignment, len(members))
	for i, member := range members {
		plan[i] = syncgroup.RequestAssignment{MemberID: member.MemberID, Assignment: assignments[member.MemberID]}
	}
	return plan, nil
}

func (m *Member) joinGroup(ctx context.Context) (*joingroup.Response, error) {
	subscription, err := m.subscription()
	if err != nil {
		return nil, err
	}
	for {
		// The coordinator answers when all members are there, or have been given up on.
		res, err := m.joining.Call(ctx, m.config.RebalanceTimeout+m.config.SessionTimeout, &joingroup.Request{
			GroupID:            m.config.Group,
			SessionTimeoutMS:   int32(m.config.SessionTimeout.Milliseconds()),
			RebalanceTimeoutMS: int32(m.config.RebalanceTimeout.Milliseconds()),
			MemberID:           m.Current().Member,
			ProtocolType:       "consumer",
			Protocols:          []joingroup.RequestProtocol{{Name: m.config.Protocol, Metadata: subscription}},
		})
		if err != nil {
			return nil, fmt.Errorf("join the group: %w", err)
		}
		joined := res.(*joingroup.Response)
		if kafka.Error(joined.ErrorCode) == kafka.MemberIDRequired {
			m.set(joined.MemberID, 0)
			continue
		}
		if err := m.Check("join the group", joined.ErrorCode); err != nil {
			return nil, err
		}
		m.set(joined.MemberID, joined.GenerationID)
		return joined, nil
	}
}

// Heartbeat gives a sign of life in a generation. That it is answered without an error proves that the coordinator
// counts on the member; kafka.RebalanceInProgress proves that too. A member that is forgotten keeps its id here, for
// that may be the id of a Join under way: see Forget.
func (m *Member) Heartbeat(ctx context.Context, g Generation) error {
	res, err := m.beating.Call(ctx, m.config.SessionTimeout/3, &heartbeat.Request{
		GroupID: m.config.Group, GenerationID: g.ID, MemberID: g.Member,
	})
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	err = m.beating.check("heartbeat", res.(*heartbeat.Response).ErrorCode)
	return broker.NeedsGroup(err, "Read", m.config.Group)
}

// Leave tells the group that the member is gone, so that it does not have to wait for the session to time out. Limit
// bounds the request. It does nothing for a member that has not joined.
func (m *Member) Leave(ctx context.Context, limit time.Duration) error {
	id := m.Current().Member
	if id == "" {
		return nil
	}
	m.Forget()
	res, err := m.joining.Call(ctx, limit, &leavegroup.Request{
		GroupID: m.config.Group, Members: []leavegroup.RequestMember{{MemberID: id}},
	})
	if err != nil {
		return fmt.Errorf("leave the group: %w", err)
	}
	return m.Check("leave the group", res.(*leavegroup.Response).ErrorCode)
}
