package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
)

// Source reads topics as a member of a consumer group.
//
// New makes it, which connects to nothing. Consume is its life: it joins the group, and runs one generation after
// another, each with the partitions that the group gives to this member. When its context ends it waits for what is in
// flight, commits, and leaves the group. It may be called again then, which is how rules go on that have stopped.
// Between two generations the source keeps their trackers, so that nothing that this process has finished is handed
// over again while nobody else has read the partition. Meanwhile Ready, States and Troubles tell from any goroutine
// what it is at; Check asks the cluster before Consume.
type Source struct {
	config  Config
	startAt consumer.StartAt
	kafka   *broker.Kafka
	cluster *cluster
	memory  *memory.Limiter
	log     *zap.Logger
	metrics *metrics

	reader     string       // names this process in its commits
	metadata   atomic.Int32 // most bytes of metadata of a commit
	replicas   func(n int)
	watchEvery time.Duration // how often the leaders and the number of partitions are looked at
	aboveFor   time.Duration

	generation atomic.Pointer[generation] // nil between generations

	mu      sync.Mutex
	state   error                              // why we are not joined; nil while we are
	missing []string                           // topics that are named and do not exist
	absent  map[string]bool                    // topics that were missing at some time: what they hold has come since
	past    map[partitionKey]*consumer.Tracker // of the partitions that were ours in the last generation

	subscription subscription // of the current generation, or of the next one while we are joining
}

var errNotJoined = errors.New("the consumer group is not joined yet")

// New makes a source of the topics in config, over the connections that k opens. What it fetches ahead, it reserves
// with m. It connects to nothing.
func New(config Config, k *broker.Kafka, m *memory.Limiter, log *zap.Logger,
	reg prometheus.Registerer) (*Source, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	for _, pattern := range config.Patterns {
		if _, err := topicpattern.Compile(pattern); err != nil {
			return nil, fmt.Errorf("topics: %w", err)
		}
	}
	begin, err := consumer.ParseStartAt(config.StartAt)
	if err != nil {
		return nil, fmt.Errorf("start_at: %w", err)
	}
	s := &Source{
		config: config, startAt: begin, kafka: k, memory: m, cluster: &cluster{kafka: k}, log: log,
		replicas: func(int) {}, watchEvery: 10 * time.Second, aboveFor: aboveFor, state: errNotJoined,
		absent: map[string]bool{}, reader: newReaderID(),
	}
	s.metadata.Store(maxMetadata)
	s.metrics = newMetrics(reg, s)
	return s, nil
}

// OnReplicas has f told, from Consume's goroutine and at the start of every generation, among how many members of the
// group the partitions are divided. It must be called before Consume.
func (k *Source) OnReplicas(f func(n int)) { k.replicas = f }

// Ready is nil while the consumer group is joined, also when it has given us no partition, and every topic exists. It
// says otherwise what is in the way.
func (k *Source) Ready() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state == nil && len(k.missing)+len(k.subscription.idle) > 0 {
		return &MissingTopicsError{k.missing, k.subscription.idle}
	}
	return k.state
}

// States says for each of our partitions, named topic/partition, what it is at: starting, reading, or stopped and why.
func (k *Source) States() map[string]string {
	g := k.generation.Load()
	if g == nil {
		return nil
	}
	states := make(map[string]string, len(g.partitions))
	for _, p := range g.partitions {
		states[p.key.String()] = p.state()
	}
	return states
}

// Partitions says of each of our partitions, in order, how it is read.
func (k *Source) Partitions() []consumer.PartitionState {
	g := k.generation.Load()
	if g == nil {
		return nil
	}
	now := time.Now()
	list := make([]consumer.PartitionState, 0, len(g.partitions))
	for _, p := range g.partitions {
		state := consumer.PartitionState{Topic: p.key.topic, Partition: p.key.id, State: p.state()}
		p.mu.Lock()
		tracker, end := p.tracker, p.highWater
		p.mu.Unlock()
		if tracker != nil {
			state.Describe(tracker, now)
			state.Lag = max(0, end-state.Offset)
		}
		list = append(list, state)
	}
	return list
}

func (k *Source) noteAbsent(topic string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.absent[topic] = true
	maps.DeleteFunc(k.past, func(key partitionKey, _ *consumer.Tracker) bool { return key.topic == topic })
}

func (k *Source) wasAbsent(topic string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.absent[topic]
}

func (k *Source) setState(err error) {
	k.mu.Lock()
	k.state = err
	k.mu.Unlock()
	joined := 0.0
	if err == nil {
		joined = 1
	}
	k.metrics.joined.Set(joined)
}

// Consume reads until ctx ends; then it waits for the messages in flight up to the drain limit, commits, leaves the
// group and returns nil. What goes wrong with brokers is tried again for ever: it shows in Ready, in the log and in
// metrics. The only error is that of a handle that refuses a message although neither ctx nor the message's lease has
// ended.
func (k *Source) Consume(ctx context.Context, handle event.Handler) error {
	m := newMember(&k.config, k.cluster)
	defer k.cluster.close()
	defer m.close()
	defer k.leave(context.WithoutCancel(ctx), m)
	defer k.setState(errNotJoined)
	retries := newRetryLogger(k.log, "join the group", k.metrics.countFailure)
	for ctx.Err() == nil {
		a, err := k.join(ctx, m)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			k.setState(err)
			retry.Sleep(ctx, retries.failed(err))
			continue
		}
		retries.succeeded()
		k.setState(nil)
		k.metrics.rebalances.Inc()
		k.replicas(a.replicas)
		g := newGeneration(k, m, a, handle)
		k.log.Info("joined consumer group", zap.String("group", k.config.Group), zap.Int32("generation", a.ID),
			zap.Int("partitions", len(g.partitions)), zap.Int("replicas", a.replicas), zap.Bool("leader",
				a.counts != nil))
		k.generation.Store(g)
		err = g.run(ctx)
		k.generation.Store(nil)
		if err != nil {
			return fmt.Errorf("hand over a message: %w", err)
		}
	}
	return nil
}

// join joins the group, for the topics that there are now.
func (k *Source) join(ctx context.Context, m *member) (*assignment, error) {
	if err := k.subscribe(ctx, m); err != nil {
		return nil, err
	}
	return m.join(ctx)
}

func (k *Source) leave(ctx context.Context, m *member) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := m.leave(ctx); err != nil {
		k.log.Warn("left the group without telling it", zap.Error(err))
	}
}
