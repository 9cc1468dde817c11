package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/checker"
)

// source is a broker in memory: partitions of messages, a committed floor each, and generations that end when told.
type source struct {
	partitions [][]event.Message
	drainLimit time.Duration

	mu         sync.Mutex
	floor      []int          // committed: everything below is done
	finished   []map[int]bool // done above the floor
	generation *generation
	rebalance  chan struct{}
}

// generation is a lease of the fake source; its deadline is set when it starts to drain.
type generation struct {
	context.Context
	mu       sync.Mutex
	deadline time.Time
}

func (g *generation) Deadline() (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.deadline, !g.deadline.IsZero()
}

func newSource(partitions [][]event.Message) *source {
	s := &source{partitions: partitions, drainLimit: 15 * time.Second, rebalance: make(chan struct{})}
	s.floor = make([]int, len(partitions))
	s.finished = make([]map[int]bool, len(partitions))
	for i := range s.finished {
		s.finished[i] = map[int]bool{}
	}
	return s
}

func (s *source) Consume(ctx context.Context, handle func(context.Context, event.Message, func()) error) error {
	for ctx.Err() == nil {
		s.generate(ctx, handle)
	}
	return nil
}

// generate runs one generation: it hands over from the floor until ctx ends or a rebalance is asked for, then drains.
func (s *source) generate(ctx context.Context, handle func(context.Context, event.Message, func()) error) {
	lease, cancel := context.WithCancel(context.Background())
	g := &generation{Context: lease}
	s.mu.Lock()
	s.generation = g
	s.mu.Unlock()
	reading, stopReading := context.WithCancel(ctx)
	var readers sync.WaitGroup
	for i := range s.partitions {
		s.mu.Lock()
		from := s.floor[i]
		clear(s.finished[i])
		s.mu.Unlock()
		readers.Go(func() {
			for at := from; at < len(s.partitions[i]); at++ {
				if reading.Err() != nil || handle(g, s.partitions[i][at], func() { s.done(g, i, at) }) != nil {
					return
				}
			}
			<-reading.Done()
		})
	}
	select {
	case <-ctx.Done():
	case <-s.rebalance:
	}
	stopReading()
	g.mu.Lock()
	g.deadline = time.Now().Add(s.drainLimit)
	g.mu.Unlock()
	drained := make(chan struct{})
	context.AfterFunc(g, func() { close(drained) })
	cancel()
	readers.Wait()
	<-drained
	s.waitInHand(g)
	s.mu.Lock()
	s.generation = nil // a done that comes later counts no more
	s.mu.Unlock()
}

// waitInHand gives the pipeline's drain the time that a real source waits for it.
func (s *source) waitInHand(*generation) { time.Sleep(s.drainLimit) }

func (s *source) done(g *generation, partition, offset int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != g {
		return
	}
	s.finished[partition][offset] = true
	for s.finished[partition][s.floor[partition]] {
		delete(s.finished[partition], s.floor[partition])
		s.floor[partition]++
	}
}

func (s *source) drained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.floor {
		if f < len(s.partitions[i]) {
			return false
		}
	}
	return true
}

// mapper reads messages of the form "person seq kind", where kind says what they become.
type mapper struct{}

var (
	trackStep    = &event.Step{Rule: "r", Call: "track", Action: "track", Repeatable: true}
	identifyStep = &event.Step{Rule: "r", Call: "identify", Action: "identify"}
)

func (mapper) Map(m event.Message) ([]event.Call, []event.Failure) {
	f := strings.Fields(string(m.Value))
	person, kind := f[0], f[2]
	c := event.Call{Step: identifyStep, Body: m.Value, Lanes: []event.Lane{event.LaneOf("id", []byte(person))}}
	copy(c.ID[:], m.Value)
	switch kind {
	case "skip":
		return nil, nil
	case "unmappable":
		return nil, []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonMissingField, Rule: "r"}}
	case "track", "refused":
		c.Step = trackStep
	case "single":
		c.Single = &event.Request{Method: "POST", Path: "/single"}
	case "email": // sets a second identifier, which belongs to the same person
		c.Lanes = append(c.Lanes, event.LaneOf("email", []byte(person)))
	}
	return []event.Call{c}, nil
}

// destination answers requests like Customer.io on a bad day, and keeps receipts.
type destination struct {
	rand    *rand.Rand
	trouble float64 // the share of requests that fail as a whole
	latency time.Duration
	down    func(time.Time) bool
	poison  func(call event.Call) bool

	mu       sync.Mutex
	receipts []checker.Receipt
	requests int
	troubles map[string]int
	inFlight map[string]int // requests on the wire per person
	overlaps int
}

func (d *destination) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return make([]event.Outcome, len(calls))
	}
	d.enter(calls, 1)
	defer d.enter(calls, -1)
	time.Sleep(d.draw())
	if d.down != nil && d.down(time.Now()) {
		time.Sleep(30 * time.Second) // as a sender's gate would hold it
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	out := make([]event.Outcome, len(calls))
	if kind := d.fault(calls); kind != "" {
		d.troubles[kind]++
		d.fail(kind, calls, out)
		return out
	}
	d.take(calls, out)
	return out
}

func (d *destination) enter(calls []event.Call, by int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]bool{}
	for _, c := range calls {
		person := strings.Fields(string(c.Body))[0]
		if seen[person] {
			continue
		}
		seen[person] = true
		d.inFlight[person] += by
		if d.inFlight[person] > 1 {
			d.overlaps++
		}
	}
}

func (d *destination) draw() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.latency == 0 {
		return 0
	}
	return rand.N(d.latency)
}

func (d *destination) fault(calls []event.Call) string {
	if d.down != nil && d.down(time.Now()) {
		return "outage"
	}
	if d.poison != nil {
		for _, c := range calls {
			if d.poison(c) {
				return "poison"
			}
		}
	}
	if d.rand.Float64() < d.trouble {
		return []string{"unanswered", "status 500", "status 400", "status 429"}[d.rand.IntN(4)]
	}
	return ""
}

func (d *destination) fail(kind string, calls []event.Call, out []event.Outcome) {
	o := event.Outcome{Failure: &event.Failure{Stage: event.StageDelivery, Status: 500}, Suspect: true}
	switch kind {
	case "unanswered": // applied, and the answer is lost
		d.take(calls, make([]event.Outcome, len(calls)))
		o.Failure.Status = 0
	case "status 400":
		if len(calls) > 1 {
			o.Failure.Status = 400
		}
	case "status 429":
		o.Failure.Status, o.Suspect, o.NotBefore = 429, false, time.Now().Add(time.Second)
	}
	for i := range out {
		out[i] = o
	}
}

// take accepts all but the calls that are to be refused.
func (d *destination) take(calls []event.Call, out []event.Outcome) {
	for i, c := range calls {
		f := strings.Fields(string(c.Body))
		seq, _ := strconv.Atoi(f[1])
		refused := f[2] == "refused"
		d.receipts = append(d.receipts, checker.Receipt{Person: f[0], Seq: seq, ID: string(c.Body), Body: string(c.Body), Taken: !refused})
		out[i].Verdict = event.Delivered
		if refused {
			out[i] = event.Outcome{Verdict: event.Refused, Failure: &event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused, Status: 400}}
		}
	}
}

// letterbox stores letters, and fails as often as told.
type letterbox struct {
	mu      sync.Mutex
	letters []event.Letter
	fail    func(time.Time) bool
	failed  int
}

func (l *letterbox) Put(_ context.Context, letters ...event.Letter) error {
	time.Sleep(5 * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil && l.fail(time.Now()) {
		l.failed++
		return fmt.Errorf("store letters: down")
	}
	l.letters = append(l.letters, letters...)
	return nil
}

// traffic makes partitions of messages for a number of persons, each of whom stays in one partition.
func traffic(r *rand.Rand, partitions, persons, events int, kinds []string) ([][]event.Message, checker.History) {
	var h checker.History
	out := make([][]event.Message, partitions)
	seqs := make([]int, persons)
	for range events {
		who := r.IntN(persons)
		seqs[who]++
		part := who % partitions
		kind := kinds[r.IntN(len(kinds))]
		person := fmt.Sprintf("p%d", who)
		m := event.Message{
			Origin: event.Origin{Topic: "t", Partition: int32(part), Offset: int64(len(out[part]))},
			Value:  fmt.Appendf(nil, "%s %d %s", person, seqs[who], kind),
		}
		out[part] = append(out[part], m)
		h.Published = append(h.Published, checker.Published{Person: person, Seq: seqs[who]})
		switch kind {
		case "skip":
			h.Skipped = append(h.Skipped, checker.Settled{Person: person, Seq: seqs[who]})
		}
	}
	return out, h
}
