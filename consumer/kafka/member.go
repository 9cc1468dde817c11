package kafka

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker/kafkagroup"
)

// member is our membership in the consumer group, and what else the group's coordinator is asked. It starts no
// goroutine and is safe for concurrent use; requests go over one connection and wait for each other.
type member struct {
	config      *Config
	cluster     *cluster
	coordinator *kafkagroup.Coordinator
	group       *kafkagroup.Member
}

// assignment is what a generation of the group gives to this member.
type assignment struct {
	kafkagroup.Generation
	partitions map[string][]int // by topic
	replicas   int              // members of the group that were given partitions
	counts     map[string]int   // of partitions by topic, as the group's leader saw them; nil unless that is us
}

// outside is the generation of a commit made from outside the group, which brokers take while the group has no members.
var outside = kafkagroup.Generation{ID: kafkagroup.NoGeneration}

// rangeBalancer is Kafka's range assignment: partitions of the same number of several topics go to the same member, so
// that topics with the same keys are read by one replica.
var rangeBalancer kafka.RangeGroupBalancer

func newMember(config *Config, c *cluster) *member {
	coordinator := &kafkagroup.Coordinator{
		Find: func(ctx context.Context) (string, error) { return c.coordinator(ctx, config.Group) },
		Dial: c.kafka.Dial,
	}
	return &member{
		config: config, cluster: c, coordinator: coordinator,
		group: kafkagroup.NewMember(kafkagroup.Config{
			Group: config.Group, Protocol: rangeBalancer.ProtocolName(), Topics: config.Topics,
			SessionTimeout: config.SessionTimeout, RebalanceTimeout: config.RebalanceTimeout,
			SyncTimeout: config.RebalanceTimeout,
		}, coordinator, coordinator),
	}
}

// requestLimit is the limit of a request that must be answered well within a session.
func (m *member) requestLimit() time.Duration { return m.config.SessionTimeout / 3 }

// join joins the group, or joins it again for its next generation, and waits for the assignment.
func (m *member) join(ctx context.Context) (*assignment, error) {
	a := &assignment{}
	var err error
	a.Generation, err = m.group.Join(ctx, func(ctx context.Context,
		members []kafkagroup.Subscriber) (map[string][]byte, error) {
		var plan map[string][]byte
		var err error
		plan, a.counts, err = m.assign(ctx, members)
		return plan, err
	})
	if err != nil {
		return nil, err
	}
	a.partitions, a.replicas, err = kafkagroup.DecodeAssignment(a.Assignment)
	return a, err
}

// assign divides the partitions of all topics among the members. Counts are those of the partitions by topic.
func (m *member) assign(ctx context.Context, members []kafkagroup.Subscriber) (plan map[string][]byte,
	counts map[string]int, err error) {
	var all []kafka.GroupMember
	var topics []string
	for _, gm := range members {
		sub, err := kafkagroup.DecodeSubscription(gm.Subscription)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, kafka.GroupMember{ID: gm.Member, Topics: sub})
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
	counts = make(map[string]int, len(topics))
	var partitions []kafka.Partition
	for _, topic := range topics {
		counts[topic] = len(l.leaders[topic])
		for _, p := range l.leaders[topic] {
			partitions = append(partitions, kafka.Partition{Topic: topic, ID: int(p.partition)})
		}
	}
	shares := rangeBalancer.AssignGroups(all, partitions)
	replicas := 0
	for _, share := range shares {
		if slices.ContainsFunc(slices.Collect(maps.Values(share)), func(ids []int) bool { return len(ids) > 0 }) {
			replicas++
		}
	}
	plan = make(map[string][]byte, len(all))
	for _, gm := range all {
		if plan[gm.ID], err = kafkagroup.EncodeAssignment(shares[gm.ID], replicas); err != nil {
			return nil, nil, err
		}
	}
	return plan, counts, nil
}

// heartbeat gives a sign of life. kafka.RebalanceInProgress also says that we are still a member.
func (m *member) heartbeat(ctx context.Context, a *assignment) error {
	err := m.group.Heartbeat(ctx, a.Generation)
	if kafkagroup.Forgotten(err) {
		m.group.Forget()
	}
	return err
}

// leave tells the group that we are gone, so that it does not have to wait for the session to time out.
func (m *member) leave(ctx context.Context) error { return m.group.Leave(ctx, m.requestLimit()) }

// close closes the connection to the coordinator.
func (m *member) close() { m.coordinator.Close() }
