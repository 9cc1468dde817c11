package event

import (
	"hash/maphash"
	"math/bits"
	"time"
)

// Call is one operation for Customer.io, written as it will be sent.
type Call struct {
	ID    ID    // the call's identity: the same for every attempt, process and replay
	Step  *Step // what the rule fixed about it; shared by all calls of that step
	Body  []byte
	Lanes []Lane // one for every identifier that the call names or sets, without repeats; empty means no order is owed

	// Single is set for a call that no Track v2 batch can carry. Nil means that Body is one item of such a batch.
	Single *Request

	// Item is the number of the call's event among those of its message, from 1; 0 where the message is one event.
	Item int32

	// Trace is that of the call's message; 0 where nobody follows it.
	Trace Trace

	// About tells whom the call is about. It is nil where no erasure fence asks for it.
	About *About
}

// Destination is where the call goes.
func (c *Call) Destination() Destination {
	if c.Single != nil {
		return c.Single.Destination
	}
	return c.Step.Destination
}

// SharesRequest reports whether another call may travel in the same request: both in a batch of one destination, or
// both in one that calls of their path share.
func (c *Call) SharesRequest(other *Call) bool {
	a, b := c.Single, other.Single
	if a == nil || b == nil {
		return a == b && c.Step.Destination == other.Step.Destination
	}
	return a.Shared && *a == *b
}

// Destination numbers an endpoint of a workspace, with credentials, a rate and outages of its own. Calls of different
// destinations never share a request. Zero is the batch endpoint of the first workspace.
type Destination uint16

// Step is the part of a call that is known when its rule is compiled.
type Step struct {
	Rule   string // the rule's name
	Call   string // the call's name inside the rule, such as "track:order_completed" or "identify#2"
	Action string // the action's name as rules write it: identify, track, pageview, screen, delete …

	Rules  string // the hash of the rules that it belongs to
	Unsent bool   // its calls are made to be looked at, and never sent

	// Repeatable is true for events, pages and screens: they carry their ID, Customer.io ignores a repeat, and
	// neighbours of one person may share a request. Any other call changes state and travels alone for its person.
	Repeatable bool
	// Once is true for a call that carries nothing by which the other side would know a repeat, such as a message that
	// is sent or a request that is written by hand: made twice, it counts twice. The send ledger notes each attempt.
	Once bool

	// NamesPerson is true for a call that names a person, whom it makes where there is none. Watched is true where the
	// rule may only name so many who are new.
	NamesPerson, Watched bool

	// Destination is where calls go that a batch carries.
	Destination Destination
	// Workspace is the name of the workspace in which the call's person is; empty for the first.
	Workspace string

	// Fence is what the call does to the erasure fence of its person.
	Fence Fence
	// Revives is true where an event that came after a deletion brings the person back.
	Revives bool
}

// Request is the request line of a call that no Track v2 batch carries. Path starts at the root of the API's host, with
// every value in it percent-encoded.
type Request struct {
	Method      string
	Path        string
	Destination Destination

	// Raw is set for a request that a rule writes by itself.
	Raw *Raw

	// Shared is true where calls with the same method and path may travel as one request. The body of each is then
	// one element of the list that the request carries.
	Shared bool
}

// Size is the number of bytes that the call adds to a batch, its separator included.
func (c *Call) Size() int { return len(c.Body) + 1 }

// Lane stands for one identifier of a person or object. Calls that share a lane leave in the order in which they
// came. It is a hash: a collision can only make two persons wait for each other, never mix them.
type Lane uint64

var laneSeed = maphash.MakeSeed()

// Of gives the lane of the same identifier in a workspace, in which it is another person. The one without a name is
// that of the lane itself.
func (l Lane) Of(workspace string) Lane {
	if workspace == "" {
		return l
	}
	return l ^ Lane(maphash.String(laneSeed, workspace))
}

// LaneKind is a kind of identifier, such as "id", "email" or "object/1". It tells lanes of equal values apart.
type LaneKind uint64

// LaneKindOf gives the kind of that name.
func LaneKindOf(name string) LaneKind {
	// The rotation keeps a kind and a value that change places apart.
	return LaneKind(bits.RotateLeft64(maphash.String(laneSeed, name), 1))
}

// Of gives the lane of an identifier's value. It is taken as it is, so that the caller lower-cases what Customer.io
// compares without case. Lanes differ between processes and are never stored.
func (k LaneKind) Of(value []byte) Lane { return Lane(k) ^ Lane(maphash.Bytes(laneSeed, value)) }

// RulePolicy is what the author of a rule says of it as a whole.
type RulePolicy struct {
	Owner       string // who answers for the rule; empty where nobody is named
	DeadLetters bool   // the rule is never stopped over what fails of it, however much that is

	// NewPeople is how many people the rule may name in so much time who were not named before; 0 is no limit.
	NewPeople int
	Per       time.Duration
}
