package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
	"github.com/ciobridge/ciobridge/pipeline/lanes"
	"github.com/ciobridge/ciobridge/pipeline/people"
)

// Pipeline carries messages from a source to a sender. It is made by New and used by one call of Run.
//
// The source calls handle, from as many goroutines as it reads partitions. There a message is mapped, reserves
// memory and is enqueued in the input. That is all that readers do; they wait while there is no memory, or while
// enough is ready.
//
// Run starts the senders of each destination. One of a destination at a time collects: it takes what is in the input,
// puts each call into the lanes of its persons, whatever its destination, and waits until a batch for its own is due.
// With a batch it leaves, another one collects, and it makes one attempt at the batch and settles it. What was
// delivered or refused leaves its lanes, and what stood behind it may become ready. What is open is sent again, at once
// or later, alone or with others, as package batch decides. A destination that is down holds only its own calls and
// what stands behind them in their lanes.
//
// When all calls of a message are settled, and nothing of it failed, the source is told that it is finished, in the
// order that inflight.AckOrder wants. What failed goes to the dead letters first: one goroutine stores them.
//
// When a lease ends, a goroutine of the lease drains its assignment: what is in a request or ready may go until the
// lease's deadline, and the rest is dropped and comes again from the source. When the source returns, all leases
// have ended: the senders and the writer of dead letters stop, and Run returns.
//
// Locks are taken in this order: Pipeline.mu, then input.mu, then those of the memory limiter and of a lease. None
// is held while a stage or a message's done is called. Pipeline.mu guards the fields below it, with all messages,
// calls and assignments in flight; a message belongs to its reader until it is enqueued.
type Pipeline struct {
	config  Config
	stages  Stages
	log     *zap.Logger
	metrics *metrics

	destinations []*destination // by number; nil for one without senders
	consumed     chan struct{}  // closed when the source has returned

	drains sync.WaitGroup                // assignments whose lease has not ended, or is being drained
	stops  atomic.Pointer[breaker.Stops] // those of the breaker; nil while nothing has stopped

	firstStop     chan struct{}
	tellFirstStop func() // closes it, once

	resume resumption
	memory *memory.Limiter
	input  input
	pool   inflight.Pool

	mu       sync.Mutex
	lanes    *lanes.Table[inflight.Call]
	order    *inflight.AckOrder
	breaker  *breaker.Breaker
	people   *people.Book // nil while no limit of new people was met
	pending  pendingLetters
	delays   delays
	arrived  []*inflight.Message // empty; it takes turns with that of the input
	draining int                 // assignments that are being given up
}

// New joins the stages. The configuration must be valid.
func New(c Config, s Stages, log *zap.Logger, reg prometheus.Registerer) *Pipeline {
	began := time.Now()
	p := &Pipeline{
		config: c, stages: s, log: log,
		destinations: destinations(s.Destinations, c, began), consumed: make(chan struct{}),
		lanes:   lanes.NewTable[inflight.Call](),
		order:   inflight.NewAckOrder(),
		breaker: breaker.New(c.StopShare, s.lenient),
		memory:  s.Memory,
		input:   input{began: began, assignments: map[event.Lease]*inflight.Assignment{}},
	}
	if p.memory == nil {
		p.memory = memory.New(c.Memory)
	}
	p.firstStop = make(chan struct{})
	p.tellFirstStop = sync.OnceFunc(func() { close(p.firstStop) })
	p.pending.wake, p.pending.ended = make(chan struct{}, 1), make(chan struct{}, 1)
	if c.NewPeople.People > 0 {
		p.people = people.New(c.NewPeople)
	}
	p.metrics = newMetrics(reg, p)
	p.delays.mu = &p.mu
	reg.MustRegister(&p.delays)
	return p
}

// Run consumes until ctx ends or the source fails, and returns when everything it started is gone. Its error is the
// source's.
func (p *Pipeline) Run(ctx context.Context) error {
	var senders, writer sync.WaitGroup
	for d := range p.each {
		for range d.Senders {
			senders.Go(func() { p.send(d) })
		}
	}
	letters, cancel := context.WithCancel(context.WithoutCancel(ctx))
	writer.Go(func() { p.writeLetters(letters) })
	err := p.consume(ctx)
	close(p.consumed)
	senders.Wait()
	cancel()
	writer.Wait()
	p.endAssignments()
	return err
}

// LettersDown reports whether letters wait because they could not be stored.
func (p *Pipeline) LettersDown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pending.down
}

// handle maps a message and enqueues what it became. It is given to the source.
func (p *Pipeline) handle(lease event.Lease, m *event.Message, done func()) error {
	if stops := p.stops.Load(); stops.Topic(m.Origin.Topic) {
		return event.ErrTopicStopped
	}
	calls, failures := p.stages.Mapper.Map(m)
	if len(calls) == 0 && len(failures) == 0 {
		p.metrics.skipped.Add(1)
		p.input.skip(m.Origin.Topic)
		p.recordSkip(m)
		done()
		return nil
	}
	return p.enqueue(lease, p.inFlight(m, done, calls, failures))
}

// What a message, a call and a failure take beside the bytes of the first two.
const (
	messageOverhead = 320
	callOverhead    = 384
	failureOverhead = 512
	aboutOverhead   = 384
)

// inFlight takes up a message and what it became.
func (p *Pipeline) inFlight(
	m *event.Message, done func(), calls []event.Call, failures []event.Failure,
) *inflight.Message {
	msg := p.pool.Get()
	msg.Init(m, done, calls, failures)
	msg.Bytes = int64(m.Size()) + messageOverhead + int64(len(failures))*failureOverhead
	entries := msg.Entries()
	for i := range calls {
		c := &calls[i]
		entries[i].Init(msg, c, p.config.Order == Relaxed)
		msg.Urgent = msg.Urgent || c.Single != nil
		msg.Size += int32(c.Size())
		msg.Bytes += int64(cap(c.Body)) + callOverhead
		if c.About != nil {
			msg.Bytes += aboutOverhead
		}
	}
	return msg
}

// enterLanes puts a message's calls into their lanes. By is as in takeArrived.
func (p *Pipeline) enterLanes(msg *inflight.Message, by *destination) {
	for range msg.Skipped {
		p.breaker.Read(msg.Event.Origin.Topic)
	}
	msg.Assignment.Add(msg)
	p.order.Enter(msg)
	stopped := p.mapped(msg)
	entries := msg.Entries()
	for i := range entries {
		e := &entries[i]
		if p.people != nil || e.Step.Watched {
			p.meet(msg, e)
		}
		if p.breaker.Stops().Rule(e.Step.Rule) {
			e.TravelAlone() // it is not carried along by who stands before it
		}
		p.lanes.Join(&e.Node)
		if e.Waits() {
			p.of(e).queues.Extend(e)
		} else {
			if d := p.push(e); d != by {
				notify(d.wakeup)
			}
		}
	}
	if len(msg.Failures) > 0 {
		p.failMapping(msg, stopped)
	}
}

// failMapping dates what failed while a message was mapped, and has it stored where no call is waited for. The
// caller holds p.mu.
func (p *Pipeline) failMapping(msg *inflight.Message, stopped *breaker.Subject) {
	now := time.Now()
	for i := range msg.Failures {
		if f := &msg.Failures[i]; f.First.IsZero() {
			f.First = now
		}
	}
	p.stopFlow(msg, stopped)
	if msg.Open == 0 {
		p.finishOrStore(msg, nil)
	}
}
