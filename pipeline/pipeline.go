package pipeline

import (
	"context"
	"iter"
	"sync"
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

	mu         sync.Mutex
	lanes      lanes
	queue      queue
	budget     budget
	tenancies  map[context.Context]*tenancy
	current    *tenancy // the tenancy of the last message
	draining   int      // tenancies that are being given up
	spare      []*parcel
	outbox     outbox
	guard      guard
	suspicions suspicions
}

// New joins the stages. The configuration must be valid.
func New(c Config, s Stages, log *zap.Logger, reg prometheus.Registerer) *Pipeline {
	p := &Pipeline{
		config: c, stages: s, log: log,
		turn: make(chan struct{}, 1), bell: make(chan struct{}, 1), stop: make(chan struct{}),
		lanes:     newLanes(),
		queue:     queue{began: time.Now(), items: c.BatchItems, bytes: c.BatchBytes, linger: c.Linger},
		budget:    budget{limit: c.Memory, shares: map[sharekey]*share{}},
		tenancies: map[context.Context]*tenancy{},
		guard:     newGuard(c.StopShare),
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

// handle maps a message and puts its calls into their lanes. It is given to the source.
func (p *Pipeline) handle(lease context.Context, m event.Message, done func()) error {
	calls, failures := p.stages.Mapper.Map(m)
	if len(calls) == 0 && len(failures) == 0 {
		p.skip()
		done()
		return nil
	}
	p.mu.Lock()
	if p.guard.stopped != nil {
		p.mu.Unlock()
		<-lease.Done()
		return context.Cause(lease)
	}
	if lease.Err() != nil { // what came before it has been let go, and must not come after it
		p.mu.Unlock()
		return context.Cause(lease)
	}
	t := p.tenancy(lease)
	pc := p.parcel(m, done, calls)
	pc.open += len(failures)
	if err := p.reserve(lease, t, pc); err != nil {
		p.mu.Unlock()
		return err
	}
	t.add(pc)
	look := p.enter(pc)
	p.fail(pc, failures)
	p.mu.Unlock()
	if look {
		p.wake()
	}
	return nil
}

// skip counts a message that no rule wants.
func (p *Pipeline) skip() {
	p.metrics.skipped.Inc()
	p.mu.Lock()
	p.guard.read()
	p.mu.Unlock()
}

// What a message and a call take beside their bytes.
const (
	messageOverhead = 256
	callOverhead    = 384
)

// enter puts a message's calls into their lanes and reports whether a waiting sender should look again.
func (p *Pipeline) enter(pc *parcel) bool {
	q := &p.queue
	l := &pc.tenancy.fresh
	idle, full := l.head == nil, q.full(l)
	if !full { // reading the clock costs as much as the rest of this; what comes after a full request may leave a little sooner for it
		q.clock = time.Since(q.began)
	}
	special := false
	for i := range pc.entries {
		e := &pc.entries[i]
		e.came = q.clock
		e.step = p.guard.mapped(e.call.Step)
		p.lanes.join(e)
		switch {
		case e.behind == 0:
			q.push(e)
			special = special || e.call.Single != nil
		default:
			q.extend(e)
		}
	}
	if q.ample() {
		p.budget.enough(true)
	}
	return special || idle && l.head != nil || !full && q.full(l)
}

// spareParcels bounds the parcels kept for reuse.
const spareParcels = 8192

// parcel makes a parcel of a message and its calls. The caller holds p.mu.
func (p *Pipeline) parcel(m event.Message, done func(), calls []event.Call) *parcel {
	var pc *parcel
	if n := len(p.spare); n > 0 {
		pc, p.spare = p.spare[n-1], p.spare[:n-1]
	} else {
		pc = &parcel{}
	}
	if pc.entries = pc.first[:]; len(calls) != 1 {
		pc.entries = make([]entry, len(calls))
	}
	pc.msg, pc.done, pc.calls, pc.open = m, done, calls, len(calls)
	pc.bytes = int64(m.Size()) + messageOverhead
	for i := range calls {
		e, c := &pc.entries[i], &calls[i]
		e.call, e.parcel = c, pc
		e.run = len(c.Lanes) == 1 && c.Single == nil && (c.Step.Repeatable || p.config.Order == Relaxed)
		pc.bytes += int64(cap(c.Body)) + callOverhead
	}
	return pc
}
