package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/checkertest"
)

// testLimits are those of Customer.io.
var testLimits = Limits{Calls: 1000, Bytes: 500_000, Envelope: len(`{"batch":[]}`)}

// mapper reads messages of the form "person seq kind", where kind says what they become.
type mapper struct{}

var (
	trackStep    = &event.Step{Rule: "r", Call: "track", Action: "track", Repeatable: true}
	identifyStep = &event.Step{Rule: "r", Call: "identify", Action: "identify"}
)

func (mapper) Map(m *event.Message) ([]event.Call, []event.Failure) {
	f := strings.Fields(string(m.Value))
	person, kind := f[0], f[2]
	c := event.Call{Step: identifyStep, Body: bytes.Clone(m.Value),
		Lanes: []event.Lane{event.LaneKindOf("id").Of([]byte(person))}}
	copy(c.ID[:], m.Value)
	switch kind {
	case "skip":
		return nil, nil
	case "unreadable":
		return nil, []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonNoType}}
	case "unmappable":
		return nil, []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonMissingField, Rule: "r"}}
	case "track", "refused":
		c.Step = trackStep
	case "several": // two calls, for two persons, and a letter
		other := c
		other.Body = append([]byte("other-"), m.Value...)
		other.Lanes = []event.Lane{event.LaneKindOf("id").Of(append([]byte("other-"), person...))}
		return []event.Call{c, other}, []event.Failure{
			{Stage: event.StageMapping, Reason: event.ReasonMissingField, Rule: "s"}}
	case "items": // none of which can be mapped
		failures := make([]event.Failure, 140)
		for i := range failures {
			failures[i] = event.Failure{ID: event.ID{1, byte(i)}, Stage: event.StageMapping,
				Reason: event.ReasonMissingField, Rule: "r", Call: "track"}
		}
		return nil, failures
	case "crowd": // calls for two hundred persons
		var calls []event.Call
		for i := range 200 {
			other := c
			other.Body = fmt.Appendf(nil, "%s/%d %s refused", person, i, f[1])
			other.Lanes = []event.Lane{event.LaneKindOf("id").Of(fmt.Appendf(nil, "%s/%d", person, i))}
			calls = append(calls, other)
		}
		return calls, nil
	case "endless": // or nearly so
		time.Sleep(time.Hour)
	case "single":
		c.Single = &event.Request{Method: "POST", Path: "/single"}
	case "app": // of which each is a request to another destination
		c.Single = &event.Request{Method: "POST", Path: "/app", Destination: 2}
	case "segment": // of which several of one path are a request
		c.Single = &event.Request{Method: "POST", Path: "/segments/" + person[len(person)-1:], Shared: true,
			Destination: 1}
	case "email": // sets a second identifier, which belongs to the same person
		c.Lanes = append(c.Lanes, event.LaneKindOf("email").Of([]byte(person)))
	}
	return []event.Call{c}, nil
}

// fields are the person and the kind of a message.
func fields(value []byte) (person, kind string) {
	f := strings.Fields(string(value))
	return f[0], f[2]
}

// Recycle makes the calls unusable, so that every test fails in which somebody looks at them again, or gives them
// back twice.
func (mapper) Recycle(settled iter.Seq[[]event.Call]) {
	for calls := range settled {
		for i := range calls {
			if calls[i].Step == nil {
				panic("a call is given back twice")
			}
			copy(calls[i].Body, bytes.Repeat([]byte("#"), len(calls[i].Body)))
			calls[i] = event.Call{}
		}
	}
}

// fakeCustomerIO answers requests like Customer.io on a bad day, and keeps receipts.
type fakeCustomerIO struct {
	rand    *rand.Rand
	trouble float64 // the share of requests that fail as a whole
	latency time.Duration
	down    func(time.Time) bool
	without event.Destination // is down, where it is not zero
	poison  func(call event.Call) bool
	known   func(call event.Call) bool // is settled without a request

	mu       sync.Mutex
	receipts []checkertest.Receipt
	requests int
	troubles map[string]int
	inFlight map[string]int // requests on the wire per person
	overlaps int
}

func (d *fakeCustomerIO) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return make([]event.Outcome, len(calls))
	}
	if err := oneRequest(calls); err != nil {
		panic(err)
	}
	d.enter(calls, 1)
	defer d.enter(calls, -1)
	time.Sleep(d.draw())
	d.mu.Lock()
	lacks := d.lacks(calls)
	d.mu.Unlock()
	if d.down != nil && d.down(time.Now()) || lacks {
		time.Sleep(30 * time.Second) // as a sender's gate would hold it
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	out := make([]event.Outcome, len(calls))
	if kind := d.fault(calls); kind != "" {
		d.troubles[kind]++
		d.fail(kind, calls, out)
		for i := range calls {
			if d.known != nil && d.known(calls[i]) {
				d.take(calls[i:i+1], out[i:i+1])
				out[i] = event.Outcome{Result: event.Delivered, Unheard: true}
			}
		}
		return out
	}
	d.take(calls, out)
	return out
}

// oneRequest says why calls cannot be one request.
func oneRequest(calls []event.Call) error {
	for i := range calls {
		a, b := calls[0].Single, calls[i].Single
		switch {
		case calls[0].Destination() != calls[i].Destination():
			return fmt.Errorf("a request for two destinations: %s", calls[i].Body)
		case (a == nil) != (b == nil), a != nil && i > 0 && (!a.Shared || a.Path != b.Path):
			return fmt.Errorf("a request with two paths: %s", calls[i].Body)
		}
	}
	return nil
}

func (d *fakeCustomerIO) enter(calls []event.Call, by int) {
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

func (d *fakeCustomerIO) lacks(calls []event.Call) bool {
	return d.without != 0 && calls[0].Destination() == d.without
}

func (d *fakeCustomerIO) draw() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.latency == 0 {
		return 0
	}
	return rand.N(d.latency)
}

func (d *fakeCustomerIO) fault(calls []event.Call) string {
	if d.down != nil && d.down(time.Now()) || d.lacks(calls) {
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

func (d *fakeCustomerIO) fail(kind string, calls []event.Call, out []event.Outcome) {
	o := event.Outcome{Failure: &event.Failure{Stage: event.StageDelivery, Status: 500}, Suspect: true}
	switch kind {
	case "unanswered": // applied, and the answer is lost
		d.take(calls, make([]event.Outcome, len(calls)))
		o.Failure.Status = 0
	case "status 400":
		if len(calls) > 1 {
			o.Failure.Status, o.AtFault = 400, true
		}
	case "status 429":
		o.Failure.Status, o.Suspect, o.NotBefore = 429, false, time.Now().Add(time.Second)
	}
	for i := range out {
		out[i] = o
	}
}

// take accepts all but the calls that are to be refused.
func (d *fakeCustomerIO) take(calls []event.Call, out []event.Outcome) {
	for i, c := range calls {
		f := strings.Fields(string(c.Body))
		seq, _ := strconv.Atoi(f[1])
		refused := f[2] == "refused"
		d.receipts = append(d.receipts, checkertest.Receipt{Person: f[0], Seq: seq, ID: string(c.Body),
			Body: string(c.Body), Taken: !refused})
		out[i].Result = event.Delivered
		if refused {
			out[i] = event.Outcome{Result: event.Refused,
				Failure: &event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused, Status: 400}}
		}
	}
}

// letterbox stores letters, and fails as often as told.
type letterbox struct {
	mu      sync.Mutex
	letters []event.FailedMessage
	puts    [][]event.FailedMessage
	fail    func(time.Time) bool
	failed  int
}

func (l *letterbox) Put(_ context.Context, letters ...event.FailedMessage) error {
	time.Sleep(5 * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil && l.fail(time.Now()) {
		l.failed++
		return fmt.Errorf("store letters: down")
	}
	l.letters = append(l.letters, letters...)
	l.puts = append(l.puts, letters)
	return nil
}

// traffic makes partitions of messages for a number of persons, each of whom stays in one partition.
func traffic(r *rand.Rand, partitions, persons, events int, kinds []string) ([][]event.Message, checkertest.History) {
	var h checkertest.History
	out := make([][]event.Message, partitions)
	seqs := map[int]int{}
	for range events {
		who := r.IntN(persons)
		seqs[who]++
		part := who % partitions
		kind := kinds[r.IntN(len(kinds))]
		person := fmt.Sprintf("canary%d", who)
		m := event.Message{
			Origin: event.Origin{Topic: "t", Partition: int32(part), Offset: int64(len(out[part]))},
			Value:  fmt.Appendf(nil, "%s %d %s", person, seqs[who], kind),
		}
		out[part] = append(out[part], m)
		h.Published = append(h.Published, checkertest.Published{Person: person, Seq: seqs[who]})
		switch kind {
		case "skip":
			h.Skipped = append(h.Skipped, checkertest.Settled{Person: person, Seq: seqs[who]})
		}
	}
	return out, h
}
