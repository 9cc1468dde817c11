package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/source"
)

// Examine implements source.Broker.
func (c *connection) Examine(ctx context.Context, e *source.Examination) error {
	x := &examination{c, e}
	if _, err := x.ask(ctx, &metadata.Request{TopicNames: []string{}}); err != nil {
		return err
	}
	topics := x.topics(ctx)
	x.rights(ctx, topics)
	x.group(ctx)
	if len(topics) > 0 {
		x.places(ctx)
	}
	limits := map[string]int64{}
	for _, topic := range topics {
		limits[topic] = x.topic(ctx, topic)
	}
	if e.DeadLetters.Topic != "" {
		x.letters(ctx, limits)
	}
	return nil
}

type examination struct {
	*connection
	*source.Examination
}

// topics are those that are read, with those that patterns match.
func (x *examination) topics(ctx context.Context) []string {
	missing := false
	for _, topic := range x.config.Topics {
		if _, err := kafkatopic.Describe(ctx, x.conn.Client(), topic); kafkatopic.IsMissing(err) {
			missing = true
			x.Fail("topic "+topic, "it does not exist", "make it, or correct its name in source.kafka.topics")
		}
	}
	if missing {
		return nil
	}
	extents, err := x.Extents(ctx, consumer.Bounds{})
	if err != nil {
		x.Fail("topics", err.Error(), "make the topics, or give the bridge the right Describe on them")
		return nil
	}
	counts := map[string]int{}
	var topics []string
	for _, e := range extents {
		if counts[e.Topic]++; counts[e.Topic] == 1 {
			topics = append(topics, e.Topic)
		}
	}
	x.OK("topics", "%s read, %s", output.Count(len(topics), "topic"), output.Count(len(extents), "partition"))
	for _, topic := range topics {
		if counts[topic] != counts[topics[0]] {
			x.Warn("partitions", fmt.Sprintf("topic %s has %d and topic %s has %d: the events of one person in both "+
				"may be read by two replicas, which keep no order between the two", topics[0], counts[topics[0]], topic,
				counts[topic]), "give both as many partitions and the same keys, or run one replica")
			break
		}
	}
	return topics
}

// Rights are bits of what a broker says of a topic, by the number of the operation in Kafka's protocol.
const (
	mayRead            = 1 << 3
	mayWrite           = 1 << 4
	mayDescribeConfigs = 1 << 10
)

// rights asks which rights the bridge has on its topics. It tries none of them out.
func (x *examination) rights(ctx context.Context, topics []string) {
	needs := map[string]int32{}
	for _, topic := range topics {
		needs[topic] = mayRead
	}
	if letters := x.DeadLetters.Topic; letters != "" {
		needs[letters], topics = mayRead|mayWrite, append(slices.Clone(topics), letters)
	}
	res, err := x.ask(ctx, &metadata.Request{TopicNames: topics, IncludeTopicAuthorizedOperations: true})
	if err != nil {
		x.Warn("rights", err.Error(), "see for yourself that the bridge may read and write its topics")
		return
	}
	for _, t := range res.(*metadata.Response).Topics {
		what := "rights on topic " + t.Name
		switch has := t.TopicAuthorizedOperations; {
		case errors.Is(kafka.Error(t.ErrorCode), kafka.UnknownTopicOrPartition):
			// told where it is looked for
		case t.ErrorCode != 0:
			x.Fail(what, kafka.Error(t.ErrorCode).Error(), "give the bridge the rights Describe and Read on it")
		case has == math.MinInt32 || has == 0:
			x.Warn(what, "the cluster does not tell them", "see for yourself that the bridge may read and write it")
		case needs[t.Name]&^has != 0:
			x.Fail(what, "missing: "+strings.Join(names(needs[t.Name]&^has), ", "), "add an ACL that allows it")
		case has&mayDescribeConfigs == 0:
			x.Warn(what, "missing: DescribeConfigs, so that retention and limits cannot be compared",
				"add an ACL that allows it")
		default:
			x.OK(what, "%s", strings.Join(names(needs[t.Name]), ", "))
		}
	}
}

func names(rights int32) (list []string) {
	if rights&mayRead != 0 {
		list = append(list, "Read")
	}
	if rights&mayWrite != 0 {
		list = append(list, "Write")
	}
	return list
}

// ask makes a request to any broker.
func (x *examination) ask(ctx context.Context, req protocol.Message) (res protocol.Message, err error) {
	for _, addr := range x.conn.Brokers() {
		if res, err = x.askAt(ctx, addr, req); err == nil {
			return res, nil
		}
	}
	return nil, err
}

func (x *examination) askAt(ctx context.Context, addr string, req protocol.Message) (protocol.Message, error) {
	conn, err := x.conn.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.RoundTrip(ctx, req)
}

// group finds out whether the bridge may be a member of its group and commit there, by a heartbeat of a member that
// nobody knows: it is refused without changing anything, and those who are members do not notice.
func (x *examination) group(ctx context.Context) {
	what := "rights on group " + x.config.Group
	res, err := x.ask(ctx, &findcoordinator.Request{Key: x.config.Group})
	if err != nil {
		x.Warn(what, err.Error(), "see for yourself that the bridge has the right Read on the group")
		return
	}
	at := res.(*findcoordinator.Response)
	code := kafka.Error(at.ErrorCode)
	if code == 0 {
		beat := &heartbeat.Request{GroupID: x.config.Group, GenerationID: 1, MemberID: "ciobridge-doctor"}
		addr := net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port)))
		if res, err = x.askAt(ctx, addr, beat); err != nil {
			x.Warn(what, err.Error(), "see for yourself that the bridge has the right Read on the group")
			return
		}
		code = kafka.Error(res.(*heartbeat.Response).ErrorCode)
	}
	switch code {
	case 0, kafka.UnknownMemberId, kafka.IllegalGeneration, kafka.RebalanceInProgress, kafka.GroupIdNotFound:
		x.OK(what, "it may join and commit")
	case kafka.GroupAuthorizationFailed:
		x.Fail(what, "it may not join", "add an ACL that allows Read on the group")
	default:
		x.Warn(what, code.Error(), "try again in a minute: the cluster may be looking for the group's coordinator")
	}
}

// places compares where the group stands with what the logs still have.
func (x *examination) places(ctx context.Context) {
	offsets, err := x.Offsets(ctx)
	if err != nil {
		x.Fail("committed offsets", err.Error(), "give the bridge the rights Read on the group and Describe on the "+
			"topics")
		return
	}
	var lost, lag int64
	where, never := "", 0
	for _, o := range offsets {
		lag += o.Lag()
		if o.Committed < 0 {
			never++
		}
		if n := o.Lost(); n > 0 {
			lost, where = lost+n, fmt.Sprintf("%s/%d", o.Topic, o.Partition)
		}
	}
	switch {
	case lost > 0:
		x.Fail("committed offsets", fmt.Sprintf("retention has taken %d events that were not read, in %s among others",
			lost, where), "ciobridge offsets show; stop the replicas; ciobridge offsets skip")
	case never == len(offsets):
		x.OK("committed offsets", "none yet: reading begins at start_at")
	default:
		x.OK("committed offsets", "%d events are to be read", lag)
	}
}
