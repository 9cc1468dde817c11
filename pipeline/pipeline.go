package pipeline

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
)

// Stages are the parts that a pipeline joins.
type Stages struct {
	Source      Source
	Mapper      Mapper
	Sender      Sender
	DeadLetters DeadLetters
}

// Pipeline moves messages from the source to the sender and settles them. It is made by New and used by one call of Run.
type Pipeline struct {
	config  Config
	stages  Stages
	log     *zap.Logger
	metrics *metrics
	recycle func(iter.Seq[[]event.Call]) // nil where the mapper does not take calls back

	turn chan struct{} // held by the one sender that waits for a batch
	bell chan struct{} // rung when what that sender waits for may have come
	stop chan struct{} // closed when the source has returned

	drains sync.WaitGroup // tenancies whose lease is watched

	stopped atomic.Bool // the guard has stopped the flow
	intake  intake
	parcels parcels

	mu         sync.Mutex // before that of the intake
	lanes      lanes
	queue      queue
	entered    uint32 // messages whose calls have been put into their lanes
	crowded    bool   // there was no room for somebody when admit last looked
	draining   int    // tenancies that are being given up
	outbox     outbox
	guard      guard
	suspicions suspicions
}

// New joins the stages. The configuration must be valid.
func New(c Config, s Stages, log *zap.Logger, reg prometheus.Registerer) *Pipeline {
	began := time.Now()
	p := &Pipeline{
		config: c, stages: s, log: log,
		turn: make(chan struct{}, 1), bell: make(chan struct{}, 1), stop: make(chan struct{}),
		lanes: newLanes(),
		queue: queue{began: began, items: c.BatchItems, bytes: c.BatchBytes, linger: c.Linger},
		guard: newGuard(c.StopShare),
		intake: intake{
			began: began, items: c.BatchItems, bytes: c.BatchBytes, most: ahead, idle: true,
			budget:    budget{limit: c.Memory, shares: map[sharekey]*share{}},
			tenancies: map[context.Context]*tenancy{},
		},
	}
	if m, ok := s.Mapper.(interface{ Recycle(iter.Seq[[]event.Call]) }); ok {
		p.recycle = m.Recycle
	}
	p.outbox.bell, p.outbox.ended = make(chan struct{}, 1), make(chan struct{}, 1)
	p.metrics = newMetrics(reg, p)
	return p
}

// Run consumes until ctx ends or the source fails, and returns when everything it started is gone. Its error is the source's.
func (p *Pipeline) Run(ctx context.Context) error {
	var senders, clerk sync.WaitGroup
	for range p.config.Senders {
		senders.Go(p.send)
	}
	letters, cancel := context.WithCancel(context.WithoutCancel(ctx))
	clerk.Go(func() { p.writeLetters(letters) })
	err := p.stages.Source.Consume(ctx, p.handle)
	close(p.stop)
	senders.Wait()
	cancel()
	clerk.Wait()
	p.abandon()
	return err
}

// Stopped tells the rule and the stage whose failures have stopped the flow. It is false while the flow is not stopped. A
// failure before any rule has an empty rule.
func (p *Pipeline) Stopped() (rule string, stage event.Stage, stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guard.stopped == nil {
		return "", "", false
	}
	return p.guard.stopped.rule, p.guard.stopped.stage, true
}

// LettersDown reports whether letters wait because they could not be stored.
func (p *Pipeline) LettersDown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outbox.down
}

// handle maps a message and puts it into the intake. It is given to the source.
func (p *Pipeline) handle(lease context.Context, m event.Message, done func()) error {
	calls, failures := p.stages.Mapper.Map(m)
	if len(calls) == 0 && len(failures) == 0 {
		p.metrics.skipped.Inc()
		p.intake.skipped.Add(1)
		done()
		return nil
	}
	if p.stopped.Load() {
		<-lease.Done()
		return context.Cause(lease)
	}
	look, err := p.arrive(lease, p.parcel(m, done, calls, failures))
	if look {
		p.wake()
	}
	return err
}

// What a message, a call and a failure take beside the bytes of the first two.
const (
	messageOverhead = 256
	callOverhead    = 384
	failureOverhead = 512
)

// parcel makes a parcel of a message and what it became.
func (p *Pipeline) parcel(m event.Message, done func(), calls []event.Call, failures []event.Failure) *parcel {
	pc := p.parcels.take()
	if pc.entries = pc.first[:]; len(calls) != 1 {
		pc.entries = make([]entry, len(calls))
	}
	pc.msg, pc.done, pc.calls, pc.failures = m, done, calls, failures
	pc.open, pc.urgent = int32(len(calls)), len(failures) > 0
	pc.bytes = int64(m.Size()) + messageOverhead + int64(len(failures))*failureOverhead
	for i := range calls {
		c := &calls[i]
		pc.entries[i].begin(pc, c, p.config.Order)
		pc.urgent = pc.urgent || c.Single != nil
		pc.size += int32(c.Size())
		pc.bytes += int64(cap(c.Body)) + callOverhead
	}
	return pc
}

// enter puts a message's calls into their lanes. The caller holds p.mu.
func (p *Pipeline) enter(pc *parcel) {
	for range pc.skipped {
		p.guard.read()
	}
	pc.tenancy.add(pc)
	p.entered++
	pc.seq = p.entered
	stops := p.guard.mapped(pc)
	for i := range pc.entries {
		e := &pc.entries[i]
		p.lanes.join(e)
		if e.behind == 0 {
			p.queue.push(e)
		} else {
			p.queue.extend(e)
		}
	}
	if len(pc.failures) > 0 {
		p.fail(pc, stops)
	}
}

// fail dates what failed while a message was mapped, and has it stored where no call is waited for. The caller holds p.mu.
func (p *Pipeline) fail(pc *parcel, stops *guarded) {
	now := time.Now()
	for i := range pc.failures {
		if f := &pc.failures[i]; f.First.IsZero() {
			f.First = now
		}
	}
	p.halt(pc, stops)
	if pc.open == 0 {
		p.settled(pc, nil)
	}
}
