package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker/kafkagroup"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// generation is the time between two rebalances, in which a set of partitions is ours. The package comment names its
// goroutines and its locks.
//
// Its life is run: it starts the heartbeat loop, the commit loop and the router, which starts the fetchers, and waits
// for the end of the reading. Whoever finds a reason for that calls finish. Then it ends the lease and waits for what
// is registered with it, for the fetchers, and for the handlers, all up to the drain limit; heartbeats and commits go
// on until then. At last it commits once more and closes the trackers.
type generation struct {
	source     *Source
	member     *member
	assignment *assignment
	lease      *consumer.Lease
	memory     *memory.Fetching // what is fetched of it
	fetchSize  int32            // what one request asks for a partition
	partitions []*partition
	startAt    consumer.StartAt

	end     context.CancelCauseFunc // ends the reading
	reading sync.WaitGroup          // the router and the fetchers
	handing sync.WaitGroup          // the workers
	reroute chan struct{}           // holds one

	mu       sync.Mutex
	fetchers map[string]*fetcher // by the broker's address
}

// Why a generation ends, beside the end of the source's own context.
var (
	errRebalance = errors.New("the group is rebalancing")
	errExpelled  = errors.New("the group has gone on without us")
	errSilence   = errors.New("the group's coordinator has not answered for a session timeout")
	errDeleted   = errors.New("a topic has been deleted")
	errGrown     = errors.New("the number of partitions has changed")
	// errSubscription: every member of the group finds out by itself, and joins anew with what it found.
	errSubscription = errors.New("a topic that matches a pattern has come or gone")
)

func newGeneration(k *Source, m *member, a *assignment, handle event.Handler) *generation {
	g := &generation{
		source: k, member: m, assignment: a, startAt: k.startAt,
		lease:   consumer.NewLease(a.Proof, k.config.SessionTimeout),
		reroute: make(chan struct{}, 1), fetchers: map[string]*fetcher{},
	}
	g.memory = k.memory.Fetching(k.config.FetchBytes, g.signalAll)
	for topic, ids := range a.partitions {
		for _, id := range ids {
			g.partitions = append(g.partitions, g.newPartition(partitionKey{topic, int32(id)}, handle))
		}
	}
	slices.SortFunc(g.partitions, comparePartitions)
	// More of each partition makes nothing faster, and messages in flight keep all that came with them.
	g.fetchSize = int32(min(usualFetch, k.config.FetchBytes/64))
	return g
}

func (g *generation) newPartition(key partitionKey, handle event.Handler) *partition {
	p := &partition{
		key: key, share: g.memory.Share(memory.Partition{Topic: key.topic, ID: key.id}),
		retries: newRetryLogger(g.source.log, "fetch "+key.String(), g.source.metrics.countFailure),
	}
	p.worker = worker{p: p, lease: g.lease, handle: handle, limit: g.source.config.MaxBatchBytes,
		names:   wire.HeaderNames{},
		skipped: g.source.metrics.skipped}
	return p
}

// run reads until ctx ends or the group rebalances, waits for what is in flight, and commits. The error is that of a
// handler that refused a message while nothing was wrong.
func (g *generation) run(ctx context.Context) error {
	reading, end := context.WithCancelCause(ctx)
	g.end = end
	serving, served := context.WithCancel(context.WithoutCancel(ctx)) // until the drain is over
	var serve sync.WaitGroup
	serve.Go(func() { g.heartbeatLoop(serving) })
	serve.Go(func() { g.commitLoop(serving) })
	g.reading.Go(func() { g.route(reading) })

	<-reading.Done()
	cause := context.Cause(reading)
	limit := time.Now().Add(g.source.config.DrainLimit)
	drained := g.lease.End(g.source.config.DrainLimit)
	g.reading.Wait()
	drained = g.handlersReturned(limit) && drained
	served()
	serve.Wait()
	g.commitLast(context.WithoutCancel(ctx))
	g.memory.Close()
	for _, p := range g.partitions {
		p.mu.Lock()
		if p.tracker != nil {
			p.tracker.Close()
		}
		p.mu.Unlock()
	}
	g.source.remember(g)
	g.source.log.Info("generation over", zap.Int32("generation", g.assignment.ID),
		zap.String("why", describe(ctx, cause)),
		zap.Bool("drained", drained))
	var refused *refusedError
	if errors.As(cause, &refused) {
		return refused.err
	}
	return nil
}

// handlersReturned waits until nothing is handed over any more, but no longer than until limit. A handler that does not
// return by then is left to itself: its partition is given up like the others, and its message comes again. What it
// does with the message it does under a lease that is over.
func (g *generation) handlersReturned(limit time.Time) bool {
	returned := make(chan struct{})
	go func() {
		g.handing.Wait()
		close(returned)
	}()
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case <-returned:
		return true
	case <-timer.C:
	}
	for _, p := range g.partitions {
		if p.busy() {
			g.source.log.Error("a message is still being handled after the drain limit, and is left behind",
				zap.String("topic", p.key.topic), zap.Int32("partition", p.key.id))
		}
	}
	return false
}

// refusedError carries the error of a handler through a context's cause.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return "a message was not taken: " + e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

func describe(ctx context.Context, cause error) string {
	if ctx.Err() != nil {
		return "shutdown"
	}
	return cause.Error()
}

// finish ends the reading. The lease's functions start at once.
func (g *generation) finish(why error) {
	g.lease.Revoke(g.source.config.DrainLimit)
	g.end(why)
}

// heartbeatLoop keeps the membership, also while the generation drains. Every answer that we are still a member is a
// proof for the lease.
func (g *generation) heartbeatLoop(ctx context.Context) {
	every := g.source.config.heartbeat()
	retries := newRetryLogger(g.source.log, "heartbeat", g.source.metrics.countFailure)
	wait := every
	for {
		retry.Sleep(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		wait = every
		sent := time.Now()
		err := g.member.heartbeat(ctx, g.assignment)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			retries.succeeded()
			g.lease.Renew(sent)
		case errors.Is(err, kafka.RebalanceInProgress):
			g.lease.Renew(sent)
			g.finish(errRebalance)
		case kafkagroup.Expelled(err):
			g.lease.Lose()
			g.finish(errExpelled)
			return
		default:
			wait = min(retries.failed(err), every/4)
		}
		if !g.lease.Owned() {
			g.finish(errSilence)
			return
		}
	}
}

// handleDeleted ends the generation because a topic has gone. Made again it is another log, in which our places mean
// nothing: they are not committed any more, and it is read from its beginning.
func (g *generation) handleDeleted(topic string) {
	g.source.noteAbsent(topic)
	for _, p := range g.partitions {
		if p.key.topic == topic {
			p.mu.Lock()
			p.deleted = true
			p.mu.Unlock()
		}
	}
	g.finish(errDeleted)
}
