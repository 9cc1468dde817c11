package customerio

import "bytes"

// Action is what a rule does to a person. It names an Operation; the zero Action names none.
type Action uint8

// The actions that rules can ask for. Their numbers are part of the digest of a configuration: new ones come last.
const (
	Identify Action = iota + 1
	Track
	Pageview
	Screen
	Delete
	Suppress
	Unsuppress
	Merge
	AddDevice
	DeleteDevice
	AddRelationships
	DeleteRelationships
	IdentifyObject
	IdentifyAnonymousObject
	DeleteObject
	AddObjectRelationships
	DeleteObjectRelationships
	PushMetric
	ViewedContent
	ClickedContent
	Invite
	AddToSegment
	RemoveFromSegment
	SubmitForm
	Metric
	Unsubscribe
	RawRequest
	SendEmail
	SendPush
	SendSMS
	SendWhatsApp
	SendInApp
	SendInboxMessage
	TriggerBroadcast
)

// An Operation is an action as Customer.io's API takes it. Everything that reads, writes, checks or documents an action
// reads its row: a new one needs no other code, unless it has a field of a kind that no other has.
type Operation struct {
	Name    string // of the action, as rules write it
	Purpose string // what it does to a person, for the documents
	item    string // the type of a v2 item; empty for that of a person
	wire    string // the action of a v2 item, which for events is also the type in v1
	event   string // the name of the event that every call is; empty where a field gives it, or there is none

	// Path is where the operation is posted as a request of its own: {} stands for the value of its field InPath, and
	// {kind} for the kind of the person's identifier. It is empty for an operation that is an item of a batch.
	Path string

	body string // members that every call has
	// Shared is true where a call is one element of SegmentIDs, a list that a request carries for all calls of its
	// path.
	Shared bool

	// Fields are what rules write under the action, in the order in which a call has them.
	Fields []Field
	// Timestamp says when a call carries the event's time.
	Timestamp Timestamp
	// Endpoints are the classes that take the operation, the usual one first. What is too large for a batch goes to the
	// next.
	Endpoints []Endpoint
	// Repeatable is true where a call carries an id, and Customer.io ignores one whose id it has seen.
	Repeatable bool
	// Once is true where Customer.io has no id by which it would know a repeat, so that a call that is made twice
	// counts twice. Such calls pass the send ledger.
	Once bool
	// Destructive is true where a call takes away what no later one can bring back. Rules may use it only where the
	// configuration allows it by name.
	Destructive bool

	maxBytes int // the largest body of a request of its own, where it is another than that of Track
}

// Timestamp says when a call carries the event's time.
type Timestamp uint8

const (
	// NoTime means that the operation has no timestamp.
	NoTime Timestamp = iota
	// ReplayTime means only in a replay, where Customer.io shall ignore what is older than the person's latest change.
	// On live traffic the order of calls is kept, and a time that is a little behind would be ignored in silence.
	ReplayTime
	// EventTime means always, as far as the event has one.
	EventTime
)

// Operation gives the row of an action.
func (a Action) Operation() *Operation { return &operations[a] }

// Actions lists the actions.
func Actions() []Action {
	var actions []Action
	for a := range operations {
		if operations[a].Name != "" {
			actions = append(actions, Action(a))
		}
	}
	return actions
}

// ParseAction finds the action of a name; the zero Action means that there is none.
func ParseAction(name string) Action {
	for _, a := range Actions() {
		if operations[a].Name == name {
			return a
		}
	}
	return 0
}

// DestructiveActions names the actions that work only where the configuration allows them by name: what they take away
// cannot be brought back.
func DestructiveActions() []string {
	var names []string
	for _, a := range Actions() {
		if operations[a].Destructive {
			names = append(names, operations[a].Name)
		}
	}
	return names
}

// Field gives the field of a kind, or nil where the operation has none.
func (o *Operation) Field(kind FieldKind) *Field {
	for i := range o.Fields {
		if o.Fields[i].Kind == kind {
			return &o.Fields[i]
		}
	}
	return nil
}

// MaxBytes is the size of the largest call of the operation: of an item, of the data of an event that is a request of
// its own, or of the body of another request, in which the attachments of a message do not count.
func (o *Operation) MaxBytes() int {
	switch {
	case o.maxBytes > 0:
		return o.maxBytes
	case o.Path == "":
		return MaxItemBytes
	}
	return MaxEventDataBytes
}

// Limited is what of a call MaxBytes bounds: of an event that goes alone its data, which stands last, and else all.
func (o *Operation) Limited(call []byte) []byte {
	if _, data, found := bytes.Cut(call, []byte(`,"data":`)); found && o.Path != "" && o.Timestamp == EventTime {
		return data[:len(data)-1]
	}
	return call
}

// GoesAlone reports whether a call that is too large for a batch can be a request of its own.
func (o *Operation) GoesAlone() bool { return len(o.Endpoints) > 1 }
