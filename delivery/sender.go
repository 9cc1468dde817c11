package delivery

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// Sender makes attempts at delivering calls. It may be used from several goroutines; those that send to one destination
// share its circuit breaker.
type Sender struct {
	log      *zap.Logger
	metrics  *metrics
	to       []*destination // by number; nil where nothing can go
	limiters []*rateLimiter
	bodies   sync.Pool // of *customerio.BatchBody
	before   func(ctx context.Context, calls []event.Call) bool
	watch    Watch
	numbered bool // outcomes tell the request
}

// A Watch is told of each request right before it is made, and of the workspace's name and the root of the API that it
// goes to. What it returns is called with the answer; it is nil where nobody waits for that.
type Watch func(calls []event.Call, workspace, root string, r customerio.Request) func(customerio.Answer)

// New makes a Sender to some workspaces. It counts itself as the only replica until SetReplicas says otherwise.
func New(workspaces []Workspace, log *zap.Logger, reg prometheus.Registerer) *Sender {
	s := &Sender{log: log, metrics: newMetrics(reg)}
	s.bodies.New = func() any { return new(customerio.BatchBody) }
	s.to = s.destinations(workspaces)
	return s
}

// Before has f called with the calls of each request when its turn has come, right before it is made. Where f returns
// false the request is not made, and its calls stay open. It must be called before Send.
func (s *Sender) Before(f func(ctx context.Context, calls []event.Call) bool) { s.before = f }

// Watch has requests for calls watched. It must be called before Send.
func (s *Sender) Watch(w Watch) { s.watch = w }

// Number has outcomes tell the number of their request and the status of its answer. It must be called before Send.
func (s *Sender) Number() { s.numbered = true }

// SetReplicas divides the budgets of the workspaces among so many live replicas, this one among them. Fewer than one
// counts as one.
func (s *Sender) SetReplicas(n int) {
	for _, l := range s.limiters {
		l.divide(n)
	}
}

// Requests is how many requests were made, whatever came of them.
func (s *Sender) Requests() int { return int(s.metrics.made.Load()) }

// Send makes one attempt at the calls, which fit one request, and returns one outcome for each, in their order, to
// be read only. Calls that no batch can carry go by themselves, in their places; after a request that fails, what
// would follow it stays open without an attempt.
//
// While the destination is failing, halted or held, Send waits, and returns open outcomes at once when ctx ends. When
// it only waits for its turn at the allowed rate it goes on after ctx has ended, unless ctx's deadline passes first. A
// request that has begun runs to its own time-out.
func (s *Sender) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	if len(calls) > 0 && together(calls) == len(calls) {
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
	for n < len(calls) && (n == 0 || calls[0].SharesRequest(&calls[n])) {
		n++
	}
	return n
}

// attempt makes one request and reports whether Customer.io has looked at its calls.
func (s *Sender) attempt(ctx context.Context, calls []event.Call) (outcomes []event.Outcome, looked bool) {
	d := s.to[calls[0].Destination()]
	p, ok := d.breaker.acquire(ctx)
	if !ok {
		return make([]event.Outcome, len(calls)), false
	}
	if s.before != nil && !s.before(ctx, calls) {
		d.breaker.giveBack(p, customerio.Answer{Withheld: true}, len(calls))
		return make([]event.Outcome, len(calls)), false
	}
	answer, number := s.exchange(context.WithoutCancel(ctx), d, ctx.Deadline, calls)
	d.breaker.giveBack(p, answer, len(calls))
	if answer.Withheld {
		return make([]event.Outcome, len(calls)), false
	}
	outcomes = outcomesOf(calls, answer)
	if single := calls[0].Single; single != nil && single.Raw != nil {
		outcomes = withAnswer(outcomes, answer)
	}
	if s.numbered {
		outcomes = numbered(outcomes, number, answer.Status)
	}
	return outcomes, answer.Verdict == customerio.Accepted || answer.Verdict == customerio.Refused
}

// maxKept is the length up to which an answer is kept to be published. It is what brokers take for a message.
const maxKept = 1 << 20

// asOneSays has a request made as its rule says.
func asOneSays(r *customerio.Request, raw *event.Raw) {
	r.Header, r.Timeout, r.Foreign = raw.Header, raw.Timeout, raw.Form != event.AnswerJSON
	if raw.ReplyTo != "" || raw.Debug {
		r.Keep = maxKept
	}
}

// exchange makes the request, and numbers it. Nothing of it is handed to the network once until has passed.
func (s *Sender) exchange(
	ctx context.Context, d *destination, until func() (time.Time, bool), calls []event.Call,
) (answer customerio.Answer, number int64) {
	r := customerio.Request{
		Endpoint: d.endpoint, Method: http.MethodPost, Path: customerio.BatchPath, Calls: len(calls), Until: until,
	}
	list := customerio.BatchItems
	if single := calls[0].Single; single != nil {
		r.Method, r.Path, list = single.Method, single.Path, nil
		if single.Shared {
			list = customerio.SegmentIDs
		}
		if raw := single.Raw; raw != nil {
			asOneSays(&r, raw)
		}
	}
	size := len(calls[0].Body)
	if list == nil {
		r.Body = [][]byte{calls[0].Body}
	} else {
		body := s.bodies.Get().(*customerio.BatchBody)
		defer s.bodies.Put(body)
		body.Begin(list)
		for i := range calls {
			body.Add(calls[i].Body)
		}
		r.Body, size = body.Close()
		defer body.Reset()
		s.metrics.calls.Observe(float64(len(calls)))
		s.metrics.bytes.Observe(float64(size))
	}
	var answered func(customerio.Answer)
	if s.watch != nil {
		answered = s.watch(calls, d.workspace, d.client.Root(r.Endpoint.API()), r)
	}
	start := time.Now()
	answer = d.client.Do(ctx, r)
	took := time.Since(start)
	if answered != nil {
		answered(answer)
	}
	number = s.count(d, answer, took)
	if line := s.log.Check(zap.DebugLevel, "request made"); line != nil {
		line.Write(zap.Int64("request", number), zap.Stringer("endpoint", r.Endpoint), zap.Int("calls", len(calls)),
			zap.Int("bytes", size), zap.Int("status", answer.Status), zap.Stringer("meaning", answer.Verdict),
			zap.Duration("took", took))
	}
	return answer, number
}

// count counts a request that was made, and gives its number.
func (s *Sender) count(d *destination, answer customerio.Answer, took time.Duration) (number int64) {
	number = s.metrics.made.Add(1)
	d.metrics.request(answer.Status, took)
	if counter, ok := s.metrics.failures[answer.Cause]; ok {
		counter.Inc()
	}
	return number
}
