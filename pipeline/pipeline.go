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
	"github.com/ciobridge/ciobridge/internal/memory"
)

// Stages are the parts that a pipeline joins.
type Stages struct {
	Source      Source
	Mapper      Mapper
	Sender      Sender
	DeadLetters DeadLetters
	// Memory is what the messages in flight reserve bytes with. Where it is nil, New makes one of Config.Memory.
	Memory *memory.Limiter
	// Recycle gives calls back to the mapper, each message's as it gave them, once they are settled and nobody looks at them any
	// more. Those that are dropped unsettled are not given back. It is nil where the mapper does not want them.
	Recycle func(settled iter.Seq[[]event.Call])
}

// Pipeline moves messages from the source to the sender and settles them. It is made by New and used by one call of Run.
type Pipeline struct {
	config  Config
	stages  Stages
	log     *zap.Logger
	metrics *metrics

	collecting chan struct{} // held by the one sender that waits for a batch
	wakeup     chan struct{} // rung when what that sender waits for may have come
	consumed   chan struct{} // closed when the source has returned

	drains sync.WaitGroup // assignments whose lease is watched

	stopped atomic.Bool // the breaker has stopped the flow
	memory  *memory.Limiter
	input   input
	pool    sync.Pool // of *message

	mu       sync.Mutex // before that of the input
	lanes    lanes
	queue    queue
	entered  uint32     // messages whose calls have been put into their lanes
	arrived  []*message // empty; the input and it take turns
	draining int        // assignments that are being given up
	pending  pendingLetters
	breaker  breaker
	bisector bisector
}

// New joins the stages. The configuration must be valid.
func New(c Config, s Stages, log *zap.Logger, reg prometheus.Registerer) *Pipeline {
	began := time.Now()
	p := &Pipeline{
		config: c, stages: s, log: log,
		collecting: make(chan struct{}, 1), wakeup: make(chan struct{}, 1), consumed: make(chan struct{}),
		lanes:   newLanes(),
		queue:   queue{began: began, items: c.BatchItems, bytes: c.BatchBytes - c.Limits.Envelope, linger: c.Linger},
		breaker: newBreaker(c.StopShare),
		memory:  s.Memory,
		input:   input{began: began, assignments: map[event.Lease]*assignment{}},
	}
	if p.memory == nil {
		p.memory = memory.New(c.Memory)
	}
	p.pending.wake, p.pending.ended = make(chan struct{}, 1), make(chan struct{}, 1)
	p.metrics = newMetrics(reg, p)
	return p
}

// Run consumes until ctx ends or the source fails, and returns when everything it started is gone. Its error is the source's.
func (p *Pipeline) Run(ctx context.Context) error {
	var senders, writer sync.WaitGroup
	for range p.config.Senders {
		senders.Go(p.send)
	}
	letters, cancel := context.WithCancel(context.WithoutCancel(ctx))
	writer.Go(func() { p.writeLetters(letters) })
	err := p.stages.Source.Consume(ctx, p.handle)
	close(p.consumed)
	senders.Wait()
	cancel()
	writer.Wait()
	p.endAssignments()
	return err
}

// Stopped is nil while the flow goes on, and a *StoppedError once too many failures have stopped it.
func (p *Pipeline) Stopped() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.breaker.stopped; s != nil {
		return &StoppedError{s.rule, s.stage}
	}
	return nil
}

// LettersDown reports whether letters wait because they could not be stored.
func (p *Pipeline) LettersDown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pending.down
}

// handle maps a message and enqueues what it became. It is given to the source.
func (p *Pipeline) handle(lease event.Lease, m event.Message, done func()) error {
	calls, failures := p.stages.Mapper.Map(m)
	if len(calls) == 0 && len(failures) == 0 {
		p.metrics.skipped.Add(1)
		p.input.skipped.Add(1)
		done()
		return nil
	}
	if p.stopped.Load() {
		<-lease.Done()
		return context.Cause(lease)
	}
	return p.enqueue(lease, p.inFlight(m, done, calls, failures))
}

// What a message, a call and a failure take beside the bytes of the first two.
const (
	messageOverhead = 256
	callOverhead    = 384
	failureOverhead = 512
)

// inFlight takes up a message and what it became.
func (p *Pipeline) inFlight(m event.Message, done func(), calls []event.Call, failures []event.Failure) *message {
	msg, ok := p.pool.Get().(*message)
	if !ok {
		msg = &message{}
	}
	if msg.entries = msg.first[:]; len(calls) != 1 {
		msg.entries = make([]entry, len(calls))
	}
	msg.Message, msg.done, msg.calls, msg.failures = m, done, calls, failures
	msg.open, msg.urgent = int32(len(calls)), len(failures) > 0
	msg.bytes = int64(m.Size()) + messageOverhead + int64(len(failures))*failureOverhead
	for i := range calls {
		c := &calls[i]
		msg.entries[i].begin(msg, c, p.config.Order)
		msg.urgent = msg.urgent || c.Single != nil
		msg.size += int32(c.Size())
		msg.bytes += int64(cap(c.Body)) + callOverhead
	}
	return msg
}

// enterLanes puts a message's calls into their lanes. The caller holds p.mu.
func (p *Pipeline) enterLanes(msg *message) {
	for range msg.skipped {
		p.breaker.read()
	}
	msg.assignment.add(msg)
	p.entered++
	msg.seq = p.entered
	stops := p.breaker.mapped(msg)
	for i := range msg.entries {
		e := &msg.entries[i]
		p.lanes.join(e)
		if e.behind == 0 {
			p.queue.push(e)
		} else {
			p.queue.extend(e)
		}
	}
	if len(msg.failures) > 0 {
		p.failMapping(msg, stops)
	}
}

// failMapping dates what failed while a message was mapped, and has it stored where no call is waited for. The caller holds p.mu.
func (p *Pipeline) failMapping(msg *message, stops *subject) {
	now := time.Now()
	for i := range msg.failures {
		if f := &msg.failures[i]; f.First.IsZero() {
			f.First = now
		}
	}
	p.stopFlow(msg, stops)
	if msg.open == 0 {
		p.finishOrStore(msg, nil)
	}
}
