package kafka

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// route reads what the group has committed, and then finds out which broker leads each partition, now and then and
// whenever a fetcher meets an error. It keeps a fetcher for each of these brokers.
func (g *generation) route(ctx context.Context) {
	retries := newRetryLogger(g.source.log, "find partitions and their leaders", g.source.metrics.countFailure)
	topics := slices.Clone(g.source.subscribed().topics)
	for topic := range g.assignment.counts {
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic) // of other members of the group
		}
	}
	for prepared := false; ctx.Err() == nil; {
		l, err := g.findLeaders(ctx, topics)
		if err == nil && !prepared {
			err = g.readCheckpoints(ctx, l)
			prepared = err == nil
		}
		changed := false
		if err == nil {
			changed, err = g.subscriptionChanged(ctx)
		}
		wait := g.source.watchEvery
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = retries.failed(err)
		case changed:
			g.finish(errSubscription)
			return
		case g.partitionsChanged(l):
			g.finish(errGrown)
			return
		default:
			retries.succeeded()
			g.assignFetchers(ctx, l)
		}
		g.awaitReroute(ctx, wait)
	}
}

func (g *generation) findLeaders(ctx context.Context, topics []string) (*layout, error) {
	ctx, cancel := context.WithTimeout(ctx, g.source.config.SessionTimeout)
	defer cancel()
	l, err := g.source.cluster.metadata(ctx, topics)
	if err == nil {
		g.source.noteMissing(l.missingTopics(g.source.config.Topics))
	}
	return l, err
}

// readCheckpoints notes for each partition where the group stands.
func (g *generation) readCheckpoints(ctx context.Context, l *layout) error {
	counts := map[string]int{}
	for _, topic := range g.source.subscribed().topics {
		counts[topic] = len(l.leaders[topic])
		if counts[topic] == 0 {
			g.source.noteAbsent(topic)
			g.source.log.Warn("topic does not exist; waiting for it", zap.String("topic", topic))
		}
	}
	starts, err := g.member.checkpoints(ctx, counts)
	if err != nil {
		return err
	}
	for _, p := range g.partitions {
		start, ok := starts[p.key]
		if !ok {
			return fmt.Errorf("read the committed offset of %s: %w", p.key, kafka.UnknownTopicOrPartition)
		}
		added := addedLater(p.key, starts) || g.source.wasAbsent(p.key.topic)
		p.start, p.committed = g.source.recall(p.key, start), start.offset
		p.addedLater, p.topicPartitions = added, counts[p.key.topic]
	}
	return nil
}

// awaitReroute waits for the time of the next look, or until a fetcher asks for one.
func (g *generation) awaitReroute(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-g.reroute:
		retry.Sleep(ctx, 100*time.Millisecond) // errors come in crowds
	}
}

// routeAgain asks for a look at the leaders before the usual time.
func (g *generation) routeAgain() {
	select {
	case g.reroute <- struct{}{}:
	default:
	}
}

// partitionsChanged reports whether a topic has another number of partitions than when they were assigned.
func (g *generation) partitionsChanged(l *layout) bool {
	for topic, count := range g.assignment.counts {
		if n := len(l.leaders[topic]); n != count {
			g.source.log.Info("number of partitions changed", zap.String("topic", topic), zap.Int("before", count),
				zap.Int("now", n))
			return true
		}
	}
	return false
}

// assignFetchers gives every partition to the fetcher of its leader.
func (g *generation) assignFetchers(ctx context.Context, l *layout) {
	leaders := map[partitionKey]string{}
	for topic, partitions := range l.leaders {
		for _, p := range partitions {
			leaders[partitionKey{topic, p.partition}] = l.brokers[p.broker]
		}
	}
	for _, p := range g.partitions {
		if addr := leaders[p.key]; addr != "" {
			g.moveTo(p, g.fetcher(ctx, addr))
		}
	}
}

// fetcher returns the fetcher for a broker, started if need be.
func (g *generation) fetcher(ctx context.Context, addr string) *fetcher {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.fetchers[addr]
	if f == nil {
		f = &fetcher{
			g: g, addr: addr, wake: make(chan struct{}, 1),
			retries: newRetryLogger(g.source.log, "fetch from "+addr, g.source.metrics.countFailure),
		}
		g.fetchers[addr] = f
		g.reading.Go(func() { f.run(ctx) })
	}
	return f
}

func (g *generation) moveTo(p *partition, to *fetcher) {
	p.mu.Lock()
	from := p.fetcher
	p.fetcher = to
	p.mu.Unlock()
	if from == to {
		return
	}
	if from != nil {
		from.mu.Lock()
		from.partitions = slices.DeleteFunc(from.partitions, func(other *partition) bool { return other == p })
		from.mu.Unlock()
	}
	to.mu.Lock()
	to.partitions = append(to.partitions, p)
	slices.SortFunc(to.partitions, comparePartitions)
	to.mu.Unlock()
	to.signal()
}

func (g *generation) signalAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.fetchers {
		f.signal()
	}
}
