package event

import (
	"hash/maphash"
	"math/bits"
)

// Call is one operation for Customer.io, written as it will be sent.
type Call struct {
	ID    ID    // the call's identity: the same for every attempt, process and replay
	Step  *Step // what the rule fixed about it; shared by all calls of that step
	Body  []byte
	Lanes []Lane // one for every identifier that the call names or sets, without repeats; empty means no order is owed

	// Single is set for a call that no batch can carry. Nil means that Body is one item of a Track v2 batch.
	Single *Request
}

// Step is the part of a call that is known when its rule is compiled.
type Step struct {
	Rule   string // the rule's name
	Call   string // the call's name inside the rule, such as "track:order_completed" or "identify#2"
	Action string // the action's name as rules write it: identify, track, pageview, screen, delete …

	// Repeatable is true for events, pages and screens: they carry their ID, Customer.io ignores a repeat, and neighbours of
	// one person may share a request. Any other call changes state and travels alone for its person.
	Repeatable bool
}

// Request is the request line of a call that travels by itself. Path starts at the root of the API's host, with every
// value in it percent-encoded.
type Request struct {
	Method string
	Path   string
}

// Size is the number of bytes that the call adds to a batch, its separator included.
func (c *Call) Size() int { return len(c.Body) + 1 }

// Lane stands for one identifier of a person or object. Calls that share a lane leave in the order in which they came. It is a
// hash: a collision can only make two persons wait for each other, never mix them.
type Lane uint64

var laneSeed = maphash.MakeSeed()

// LaneOf gives the lane of an identifier. Kind tells identifiers with equal values apart ("id", "email", "object/1"); the
// value is taken as it is, so that the caller lower-cases what Customer.io compares without case. Lanes differ between
// processes and are never stored.
func LaneOf(kind string, value []byte) Lane {
	// The rotation keeps a kind and a value that change places apart.
	return Lane(bits.RotateLeft64(maphash.String(laneSeed, kind), 1) ^ maphash.Bytes(laneSeed, value))
}
