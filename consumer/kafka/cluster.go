package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/ciobridge/ciobridge/broker"
)

// cluster asks what any broker can answer. It is safe for concurrent use.
type cluster struct {
	kafka *broker.Kafka

	mu    sync.Mutex
	conn  *broker.KafkaConn
	known []string // brokers of which the cluster told, for when the configured ones are gone
	id    string   // of the cluster, once it has been asked for metadata
}

// layout is who leads what.
type layout struct {
	brokers map[int32]string  // addresses
	leaders map[string][]lead // by topic, in the order of the partitions
}

type lead struct {
	partition int32
	broker    int32 // -1 when there is none at the moment
}

// call makes a request to some broker.
func (c *cluster) call(ctx context.Context, req protocol.Message) (protocol.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		conn, err := c.dial(ctx)
		if err != nil {
			return nil, err
		}
		c.conn = conn
	}
	res, err := c.conn.RoundTrip(ctx, req)
	if err != nil {
		c.conn = nil
	}
	return res, err
}

// dial tries the configured brokers in random order and then those that the cluster named. The error is the most
// telling one: a refused authentication rather than a broker that is down.
func (c *cluster) dial(ctx context.Context) (*broker.KafkaConn, error) {
	addrs := slices.Clone(c.kafka.Brokers())
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	var first error
	for _, addr := range append(addrs, c.known...) {
		conn, err := c.kafka.Dial(ctx, addr)
		if err == nil {
			return conn, nil
		}
		if first == nil || reasonOf(err) == reasonAuth {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// metadata asks for the leaders of all partitions of topics. A topic that does not exist has none.
func (c *cluster) metadata(ctx context.Context, topics []string) (*layout, error) {
	res, err := c.call(ctx, &metadata.Request{TopicNames: topics})
	if err != nil {
		return nil, fmt.Errorf("ask for partitions: %w", err)
	}
	m := res.(*metadata.Response)
	l := &layout{brokers: map[int32]string{}, leaders: map[string][]lead{}}
	var addrs []string
	for _, b := range m.Brokers {
		addr := net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		l.brokers[b.NodeID] = addr
		addrs = append(addrs, addr)
	}
	for _, t := range m.Topics {
		switch code := kafka.Error(t.ErrorCode); code {
		case 0, kafka.LeaderNotAvailable:
		case kafka.UnknownTopicOrPartition:
			continue
		default:
			return nil, topicError("ask for partitions of "+t.Name, "Describe", t.Name, t.ErrorCode)
		}
		for _, p := range t.Partitions {
			l.leaders[t.Name] = append(l.leaders[t.Name], lead{p.PartitionIndex, p.LeaderID})
		}
		slices.SortFunc(l.leaders[t.Name], func(a, b lead) int { return int(a.partition - b.partition) })
	}
	c.mu.Lock()
	c.known, c.id = addrs, m.ClusterID
	c.mu.Unlock()
	return l, nil
}

// logName names the log of a partition, apart from those of the same name in other clusters. It needs the cluster to
// have been asked for metadata.
func (c *cluster) logName(key partitionKey) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id + "/" + key.String()
}

// coordinator asks for the address of the broker that keeps the group.
func (c *cluster) coordinator(ctx context.Context, group string) (string, error) {
	res, err := c.call(ctx, &findcoordinator.Request{Key: group})
	if err != nil {
		return "", fmt.Errorf("find the group's coordinator: %w", err)
	}
	r := res.(*findcoordinator.Response)
	if r.ErrorCode != 0 {
		err := brokerError("find the group's coordinator", r.ErrorCode)
		return "", broker.NeedsGroup(err, "Read", group)
	}
	return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))), nil
}

func (c *cluster) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
