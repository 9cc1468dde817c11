package mapping

import (
	"bytes"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/cloudevent"
	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/debezium"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// Limits of what one message may become where a rule's each multiplies it.
const (
	maxCalls    = 10_000
	maxBytes    = 8 << 20
	maxFailures = 100 // of one action
)

// maxKeptState bounds the memory that a state may hold when it goes back to the pool.
const maxKeptState = 256 << 10

// state is what mapping one message needs. A goroutine takes it from the pool of its Rules for one message, and puts it
// back with whatever memory it has grown, within bounds. Nothing that it owns leaves it but the buffer of a message's
// only call, in whose place it gets another.
//
// The message's envelope fills typ, eventTime and eventID. Each rule then has its own time and ruleID over those, and
// adds to calls, lanes, body and failures; what fails half way is taken back to a savepoint. result makes event.Calls
// of it.
type state struct {
	m         *event.Message
	content   []byte     // the document of the current event: the value of the record, or what was found in it
	operation string     // where the record holds nothing: in which form
	where     string     // what the content is, in words
	record    expr.Value // the whole record, where the content was found in it
	start     savepoint  // what there was before the current event
	skip      event.Skip // why nothing came of the message so far
	item      int        // the number of the event among those of its record, from 1; 0 where that is one event
	replay    bool
	original  *original // of a message that was repaired
	reserved  *customerio.Reserved
	rules     string     // their hash
	workspace event.Lane // that of the call that is being written, as in action
	topic     *topic     // of the last message, which is mostly the next one's too
	topicName string
	envelope  *envelope
	doc       expr.Document
	message   func() expr.Value  // makes $message; a field, so that binding it allocates nothing
	keyText   *document.Document // in which a key is looked at; made when a topic's keys are read

	wrapper  *connect.Wrapper  // made when a topic has records in a wrapper
	debezium *debezium.Reader  // made when a topic has records of Debezium
	isChange bool              // of the current event: it is one of those
	change   func() expr.Value // makes $change

	within   *within // what is found in a record; made when a topic asks for that
	provided bool    // there is a buffer for the calls of the message

	typ         []byte // the event's type, in the document or in typText
	typText     []byte
	eventTime   moment   // as the envelope has it
	timeProblem *problem // why the envelope's time cannot be used
	eventID     []byte   // the event's identity, framed; empty until it is needed
	time        moment   // as the current rule has it
	ruleID      []byte   // the event's identity as the current rule has it; empty means the envelope's

	stripe int   // in which it counts
	second int64 // the last timestamp that was written, and its member
	stamp  []byte

	overran    time.Duration // of the current rule's programs, the longest that ran into its time limit
	calls      []pending
	failures   []event.Failure
	remarks    []explain.Remark // of values that did not fit
	explains   bool             // somebody asks why more was not made
	reasons    []explain.Remark // then: what was not made
	conditions []explain.Asked  // and what conditions gave
	callBuffer                  // what the calls are written into
	buffers    []callBuffer     // for the messages to come

	tells   bool     // calls tell whom they are about
	persons []string // then: the identifiers of the call that is being written, with their kinds

	entries int             // attributes of the call that is being written
	member  field           // of a whole object, the one that is being written
	key     []byte          // its name, where that had escapes
	taken   map[string]bool // names that the fields evaluated so far have given, where fields merge

	headers cloudevent.Reader // of a CloudEvent

	composed, meta        []byte // the document of a CloudEvent in binary mode, and $message
	changeText            []byte // $change
	who, text, hash, wide []byte

	writer  operand.Writer        // of calls that are made of parts
	id      event.ID              // of the call
	sparing *action               // whose call it writes
	whoKind customerio.Identifier // of the call's person
	stamped moment                // the call's timestamp
}

// pending is a call whose memory is still the state's.
type pending struct {
	id          event.ID
	step        *event.Step
	body, lanes span
	item        int32
	single      *event.Request
	about       *event.About
}

type span struct{ start, end int }

// savepoint is a point in the state's output to which it can go back.
type savepoint struct{ calls, lanes, body, failures, remarks int }

func (s *state) savepoint() savepoint {
	return savepoint{len(s.calls), len(s.lanes), len(s.body), len(s.failures), len(s.remarks)}
}

func (s *state) rollBack(m savepoint) {
	s.calls, s.failures = s.calls[:m.calls], s.failures[:m.failures]
	s.lanes, s.body, s.remarks = s.lanes[:m.lanes], s.body[:m.body], s.remarks[:m.remarks]
}

func (c *compiled) newState() any {
	s := &state{reserved: c.reserved, rules: c.hash, tells: c.about, stripe: int(c.statesMade.Add(1)) % len(counts{})}
	s.message, s.change = s.messageValue, s.changeValue
	return s
}

func (c *compiled) get(m *event.Message, replay bool) *state {
	s := c.states.Get().(*state)
	s.m, s.replay, s.provided, s.original, s.skip = m, replay, false, nil, 0
	s.where, s.record = recordsValue, expr.Value{}
	s.calls, s.failures, s.remarks = s.calls[:0], nil, nil
	s.explains, s.reasons, s.conditions = false, nil, nil
	s.lanes, s.body = s.lanes[:0], s.body[:0]
	s.begin(0, s.payload())
	return s
}

// payload is what the record holds: its value, or what that is in JSON where it has another form.
func (s *state) payload() []byte {
	if content := s.m.ValueContent(); content != nil {
		return content
	}
	return s.m.Value
}

// begin takes the next event of the message up, which is what the record tells of it until its envelope is read.
func (s *state) begin(item int, content []byte) {
	s.item, s.content, s.operation, s.isChange = item, content, "", false
	s.start = s.savepoint()
	s.eventTime, s.timeProblem = moment{millis(s.m.Time), !s.m.Time.IsZero()}, nil
	s.time = s.eventTime
	s.eventID, s.ruleID = s.eventID[:0], s.ruleID[:0]
}

func (c *compiled) put(s *state) {
	s.m, s.failures, s.remarks, s.reasons, s.conditions = nil, nil, nil, nil, nil
	kept := cap(s.body) + cap(s.composed) + cap(s.meta) + cap(s.changeText) + cap(s.wide)
	if kept > maxKeptState || cap(s.calls) > maxKeptState/64 {
		return
	}
	if len(s.calls) > 1 {
		clear(s.calls)
	}
	if len(s.taken) > maxKeptNames {
		s.taken = nil
	}
	s.member = field{}
	s.within.release()
	c.states.Put(s)
}

// result gives the calls away. One call, which is what nearly all messages become, goes with the buffer that it was
// written into; several are copied, into one allocation for the calls with their lanes and one for the bodies.
func (s *state) result() []event.Call {
	switch len(s.calls) {
	case 0:
		return nil
	case 1:
		return s.onlyCall()
	}
	body := bytes.Clone(s.body)
	calls, lanes := callsAndLanes(len(s.calls), len(s.lanes))
	copy(lanes, s.lanes)
	for i := range s.calls {
		p := &s.calls[i]
		calls[i] = event.Call{
			ID:     p.id,
			Step:   p.step,
			Body:   body[p.body.start:p.body.end:p.body.end],
			Lanes:  lanes[p.lanes.start:p.lanes.end:p.lanes.end],
			Single: p.single,
			Item:   p.item,
			About:  p.about,
		}
	}
	return calls
}

// onlyCall gives the only call away. Its body and lanes begin where those of the buffer do, since what came before them
// has been taken back.
func (s *state) onlyCall() []event.Call {
	r, p := s.callBuffer, &s.calls[0]
	s.callBuffer = callBuffer{}
	r.call[0] = event.Call{ID: p.id, Step: p.step, Body: r.body, Lanes: r.lanes, Single: p.single, Item: p.item,
		About: p.about}
	return r.call
}

// callsAndLanes allocates both, in one piece where there are as few as plain rules give.
func callsAndLanes(calls, lanes int) ([]event.Call, []event.Lane) {
	switch {
	case calls == 2 && lanes <= 4:
		p := new(struct {
			calls [2]event.Call
			lanes [4]event.Lane
		})
		return p.calls[:], p.lanes[:]
	case calls <= 4 && lanes <= 8:
		p := new(struct {
			calls [4]event.Call
			lanes [8]event.Lane
		})
		return p.calls[:calls], p.lanes[:]
	}
	return make([]event.Call, calls), make([]event.Lane, lanes)
}

// moment is an event's time. Known is false where neither the event nor the broker gave one.
type moment struct {
	ms    int64 // unix milliseconds
	known bool
}

// unix is the moment in whole seconds, as Customer.io takes it.
func (m moment) unix() int64 { return m.ms / 1000 }
