package consumer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
)

// route reads what the group has committed, and then finds out which broker leads each partition, again and again
// and whenever a fetcher meets an error. It keeps a fetcher for each of these brokers.
func (g *generation) route(ctx context.Context) {
	trouble := newTrouble(g.source.log, "find partitions and their leaders", g.source.metrics.failed)
	topics := slices.Clone(g.source.config.Topics)
	for topic := range g.assignment.counts {
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic) // of other members of the group
		}
	}
	for prepared := false; ctx.Err() == nil; {
		l, err := g.look(ctx, topics)
		if err == nil && !prepared {
			err = g.prepare(ctx, l)
			prepared = err == nil
		}
		wait := g.source.watchEvery
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = trouble.note(err)
		case g.grown(l):
			g.finish(errGrown)
			return
		default:
			trouble.over()
			g.spread(ctx, l)
		}
		g.awaitReroute(ctx, wait)
	}
}

func (g *generation) look(ctx context.Context, topics []string) (*layout, error) {
	ctx, cancel := context.WithTimeout(ctx, g.source.config.SessionTimeout)
	defer cancel()
	l, err := g.source.cluster.metadata(ctx, topics)
	if err == nil {
		g.source.noteMissing(l.missing(g.source.config.Topics))
	}
	return l, err
}

// prepare notes for each partition where the group stands.
func (g *generation) prepare(ctx context.Context, l *layout) error {
	counts := map[string]int{}
	for _, topic := range g.source.config.Topics {
		counts[topic] = len(l.leaders[topic])
		if counts[topic] == 0 {
			g.source.noteAbsent(topic)
			g.source.log.Warn("topic does not exist; waiting for it", zap.String("topic", topic))
		}
	}
	starts, err := g.member.committed(ctx, counts)
	if err != nil {
		return err
	}
	for _, p := range g.partitions {
		start, ok := starts[p.key]
		if !ok {
			return fmt.Errorf("read the committed offset of %s: %w", p.key, kafka.UnknownTopicOrPartition)
		}
		added := addedLater(p.key, starts) || g.source.wasAbsent(p.key.topic)
		p.start, p.added, p.count, p.written = g.source.recall(p.key, start), added, counts[p.key.topic], start.offset
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
		pause(ctx, 100*time.Millisecond) // errors come in crowds
	}
}

// routeAgain asks for a look at the leaders before the usual time.
func (g *generation) routeAgain() {
	select {
	case g.reroute <- struct{}{}:
	default:
	}
}

// grown reports whether a topic has another number of partitions than when they were assigned.
func (g *generation) grown(l *layout) bool {
	for topic, count := range g.assignment.counts {
		if n := len(l.leaders[topic]); n != count {
			g.source.log.Info("number of partitions changed", zap.String("topic", topic), zap.Int("before", count), zap.Int("now", n))
			return true
		}
	}
	return false
}

// spread gives every partition to the fetcher of its leader.
func (g *generation) spread(ctx context.Context, l *layout) {
	leaders := map[partitionKey]string{}
	for topic, partitions := range l.leaders {
		for _, p := range partitions {
			leaders[partitionKey{topic, p.partition}] = l.brokers[p.broker]
		}
	}
	for _, p := range g.partitions {
		if addr := leaders[p.key]; addr != "" {
			g.move(p, g.fetcher(ctx, addr))
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
			trouble: newTrouble(g.source.log, "fetch from "+addr, g.source.metrics.failed),
		}
		g.fetchers[addr] = f
		g.reading.Go(func() { f.run(ctx) })
	}
	return f
}

func (g *generation) move(p *partition, to *fetcher) {
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
	slices.SortFunc(to.partitions, func(a, b *partition) int {
		if c := strings.Compare(a.key.topic, b.key.topic); c != 0 {
			return c
		}
		return int(a.key.id - b.key.id)
	})
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

// work is a worker's time from a chunk until nothing is left to hand over.
func (g *generation) work(ctx context.Context, p *partition, c *chunk) {
	if err := p.worker.run(ctx, c, g.damaged); err != nil {
		g.finish(&refusedError{err})
	}
}

// locate compares the committed offsets of partitions with their logs and starts reading them, or halts them.
func (g *generation) locate(ctx context.Context, conn *broker.KafkaConn, partitions []*partition) error {
	keys := make([]partitionKey, len(partitions))
	for i, p := range partitions {
		keys[i] = p.key
	}
	found, err := locate(ctx, conn, keys, g.begin)
	if err != nil {
		return err
	}
	pins := map[partitionKey]committed{}
	places := map[*partition]committed{}
	for _, p := range partitions {
		c, pin, ok := g.place(p, found[p.key])
		if !ok {
			continue
		}
		places[p] = c
		if pin {
			pins[p.key] = c
		}
	}
	if len(pins) > 0 {
		if err := g.commit(ctx, pins); err != nil {
			return err
		}
	}
	for p, c := range places {
		p.begin(c, g.source.config.MaxUncommitted)
	}
	return nil
}

// place decides about one partition: where it is read from, and whether that has to be committed first. Not ok means that it is not to be
// read now.
func (g *generation) place(p *partition, b bounds) (c committed, pin, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.code != 0 {
		p.notBefore = time.Now().Add(p.trouble.note(brokerError("list offsets of "+p.key.String(), int16(b.code))))
		if b.code != kafka.OffsetNotAvailable {
			g.routeAgain()
		}
		return c, false, false
	}
	p.trouble.over()
	p.highWater = b.end
	if !g.reaches(p, max(p.start.offset, p.start.done.end()), b.end) {
		return c, false, false
	}
	c = p.start
	if c.done.end() > b.end {
		g.source.log.Warn("the log has become shorter: what was done of it is not left out", zap.String("topic", p.key.topic),
			zap.Int32("partition", p.key.id), zap.Int64("done_to", c.done.end()), zap.Int64("log_end", b.end))
		c.done = nil
	}
	if len(c.done) > 0 && c.done[0].from <= c.offset {
		c.offset, c.done = c.done[0].to, c.done[1:]
	}
	offset, pin, stop := place(c, p.added, b)
	if stop != nil && stop.reason == stopBelowLog && g.source.config.OnGap == GapSkip {
		offset, pin, stop = g.skipGap(p, &c, stop), p.ledger == nil, nil // a commit must not pass what is in hand
	}
	if stop != nil {
		g.halt(p, stop)
		return c, false, false
	}
	// Before the first message is handed over, the commit says whose the partition is: others that knew it as theirs then know better.
	pin = pin || p.ledger == nil && c.reader != g.source.reader
	c.offset, c.partitions, c.reader = offset, p.count, g.source.reader
	return c, pin, true
}

// skipGap goes on at the start of a log that has passed the committed offset.
func (g *generation) skipGap(p *partition, c *committed, gap *stopped) (offset int64) {
	g.source.metrics.lost.Add(float64(gap.lost))
	g.source.log.Error("partition has lost records that were not read: reading goes on behind them, as on_gap says",
		zap.String("topic", p.key.topic), zap.Int32("partition", p.key.id),
		zap.Int64("offset", gap.offset), zap.Int64("log_start", gap.start), zap.Int64("records_lost", gap.lost))
	offset, c.done = gap.start, settled(nil).after(c.done, gap.start)
	if len(c.done) > 0 && c.done[0].from <= offset {
		offset, c.done = c.done[0].to, c.done[1:]
	}
	return offset
}

// reaches reports whether a log reaches to an offset, or has not for so long that it is believed not to. The caller holds p.mu.
func (g *generation) reaches(p *partition, offset, end int64) bool {
	if offset <= end {
		p.above = time.Time{}
		return true
	}
	now := time.Now()
	if p.above.IsZero() {
		p.above = now
	}
	if now.Sub(p.above) < g.source.aboveFor {
		p.notBefore = now.Add(g.source.aboveFor / 5)
		return false
	}
	return true
}
