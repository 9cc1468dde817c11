package delivery

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// Config sets how hard the destination is pressed.
type Config struct {
	// RequestsPerSecond is the workspace's budget, at least 1, of which each live replica takes an equal share.
	RequestsPerSecond int
}

// Sender makes attempts at delivering calls. It may be used from several goroutines; all share one circuit breaker.
type Sender struct {
	client  *customerio.Client
	log     *zap.Logger
	metrics *metrics
	breaker *breaker
	bodies  sync.Pool // of *customerio.BatchBody
}

// New makes a Sender. It counts itself as the only replica until SetReplicas says otherwise.
func New(c Config, client *customerio.Client, log *zap.Logger, reg prometheus.Registerer) (*Sender, error) {
	if c.RequestsPerSecond < 1 {
		return nil, fmt.Errorf("requests_per_second: %d is less than 1", c.RequestsPerSecond)
	}
	s := &Sender{client: client, log: log}
	s.bodies.New = func() any { return new(customerio.BatchBody) }
	a := &stateLogger{log: log}
	s.breaker = newBreaker(c.RequestsPerSecond,
		func() bool { return client.NewCredentials(customerio.Batch) }, a)
	s.metrics = newMetrics(reg, s.rate) // after the breaker, which a scrape reads
	a.metrics = s.metrics
	return s, nil
}

// SetReplicas divides the workspace's budget among so many live replicas, this one among them. Fewer than one
// counts as one.
func (s *Sender) SetReplicas(n int) {
	s.breaker.mu.Lock()
	defer s.breaker.mu.Unlock()
	s.breaker.limiter.divide(n)
}

// State says how the destination is doing.
func (s *Sender) State() State {
	s.breaker.mu.Lock()
	defer s.breaker.mu.Unlock()
	return s.breaker.state
}

// Requests is how many requests were made, whatever came of them.
func (s *Sender) Requests() int { return int(s.metrics.made.Load()) }

func (s *Sender) rate() float64 {
	s.breaker.mu.Lock()
	defer s.breaker.mu.Unlock()
	return s.breaker.limiter.rate
}

// Send makes one attempt at the calls, which fit one request, and returns one outcome for each, in their order, to
// be read only. Calls that no batch can carry go by themselves, in their places; after a request that fails, what
// would follow it stays open without an attempt.
//
// While the destination is failing or halted, Send waits, and returns open outcomes at once when ctx ends. When it
// only waits for its turn at the allowed rate it goes on after ctx has ended, unless ctx's deadline passes first. A
// request that has begun runs to its own time-out.
func (s *Sender) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	if together(calls) == len(calls) {
		outcomes, _ := s.attempt(ctx, calls)
		return outcomes
	}
	outcomes := make([]event.Outcome, len(calls))
	for from := 0; from < len(calls); {
		to := from + together(calls[from:])
		some, looked := s.attempt(ctx, calls[from:to])
		copy(outcomes[from:], some)
		if !looked {
			break
		}
		from = to
	}
	return outcomes
}

// together is how many of the first calls share a request.
func together(calls []event.Call) int {
	n := 0
	for n < len(calls) && calls[n].Single == nil {
		n++
	}
	return max(n, 1)
}

// attempt makes one request and reports whether Customer.io has looked at its calls.
func (s *Sender) attempt(ctx context.Context, calls []event.Call) (outcomes []event.Outcome, looked bool) {
	p, ok := s.breaker.acquire(ctx)
	if !ok {
		return make([]event.Outcome, len(calls)), false
	}
	answer := s.exchange(context.WithoutCancel(ctx), ctx.Deadline, calls)
	s.breaker.giveBack(p, answer, len(calls))
	if answer.Withheld {
		return make([]event.Outcome, len(calls)), false
	}
	return outcomesOf(calls, answer), answer.Verdict == customerio.Accepted || answer.Verdict == customerio.Refused
}

// exchange makes the request. Nothing of it is handed to the network once until has passed.
func (s *Sender) exchange(ctx context.Context, until func() (time.Time, bool), calls []event.Call) customerio.Answer {
	r := customerio.Request{
		Endpoint: customerio.Batch, Method: http.MethodPost, Path: customerio.BatchPath,
		Calls: len(calls), Until: until,
	}
	size := len(calls[0].Body)
	if single := calls[0].Single; single != nil {
		r.Endpoint, r.Method, r.Path, r.Body = customerio.Single, single.Method, single.Path, [][]byte{calls[0].Body}
	} else {
		body := s.bodies.Get().(*customerio.BatchBody)
		defer s.bodies.Put(body)
		for i := range calls {
			body.Add(calls[i].Body)
		}
		r.Body, size = body.Close()
		defer body.Reset()
		s.metrics.calls.Observe(float64(len(calls)))
		s.metrics.bytes.Observe(float64(size))
	}
	start := time.Now()
	answer := s.client.Do(ctx, r)
	took := time.Since(start)
	s.metrics.request(r.Endpoint, answer.Status, took)
	if counter, ok := s.metrics.failures[answer.Cause]; ok {
		counter.Inc()
	}
	if line := s.log.Check(zap.DebugLevel, "request made"); line != nil {
		line.Write(zap.Stringer("endpoint", r.Endpoint), zap.Int("calls", len(calls)), zap.Int("bytes", size),
			zap.Int("status", answer.Status), zap.Stringer("meaning", answer.Verdict), zap.Duration("took", took))
	}
	return answer
}
