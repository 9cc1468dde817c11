package customerio

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
)

// An Operation is an action as Customer.io's API takes it. Everything that reads, writes, checks or documents an action
// reads its row: a new one needs no other code, unless it has a field of a kind that no other has.
type Operation struct {
	Name    string // of the action, as rules write it
	Purpose string // what it does to a person, for the documents
	wire    string // the action of a v2 item, which for events is also the type in v1

	// Fields are what rules write under the action, in the order of the documents.
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

var (
	named   = []Identifier{ID, Email, Phone, CioID}
	anybody = []Identifier{ID, Email, Phone, CioID, AnonymousID}

	batchOnly    = []Endpoint{Batch}
	batchOrAlone = []Endpoint{Batch, Single}

	eventName = Field{Key: "name", Kind: NameField, member: "name", Required: true, MaxBytes: MaxEventNameBytes}
	pageName  = Field{Key: "name", Kind: NameField, member: "name", Required: true, MaxRunes: MaxPageNameRunes}
	data      = Field{Key: "data", Kind: DataField, member: "attributes"}
	except    = Field{Key: "except", Kind: ExceptField}
)

var operations = [...]Operation{
	Identify: {
		Name: "identify", wire: "identify", Purpose: "makes the person, or sets and removes attributes of them",
		Fields: []Field{
			person(named),
			{Key: "attributes", Kind: AttributesField, member: "attributes", Lanes: true, MaxEntries: MaxAttributes},
			except,
			{Key: "remove", Kind: RemovalsField},
			{Key: "timestamp", Kind: TimestampField},
		},
		Timestamp: ReplayTime, Endpoints: batchOnly,
	},
	Track: {
		Name: "track", wire: "event", Purpose: "tells what the person did",
		Fields:    []Field{person(anybody), eventName, data, except},
		Timestamp: EventTime, Endpoints: batchOrAlone, Repeatable: true,
	},
	Pageview: {
		Name: "pageview", wire: "page", Purpose: "tells which page the person saw",
		Fields:    []Field{person(anybody), pageName, data, except},
		Timestamp: EventTime, Endpoints: batchOrAlone, Repeatable: true,
	},
	Screen: {
		Name: "screen", wire: "screen", Purpose: "tells which screen of an app the person saw",
		Fields:    []Field{person(anybody), pageName, data, except},
		Timestamp: EventTime, Endpoints: batchOrAlone, Repeatable: true,
	},
	Delete: {
		Name: "delete", wire: "delete", Purpose: "deletes the person; a later call may make them anew",
		Fields: []Field{person(named)}, Endpoints: batchOnly, Destructive: true,
	},
	Suppress: {
		Name: "suppress", wire: "suppress",
		Purpose: "deletes the person, and keeps the identifier from being used or sent to again",
		Fields:  []Field{person(named)}, Endpoints: batchOnly, Destructive: true,
	},
	Unsuppress: {
		Name: "unsuppress", wire: "unsuppress",
		Purpose: "lets a suppressed identifier be used again; what was deleted does not come back",
		Fields:  []Field{person(named)}, Endpoints: batchOnly,
	},
}

// laterDestructive are actions that no rule can ask for yet, so that one list of allowed actions serves every version.
var laterDestructive = []string{"merge"}

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
	return append(names, laterDestructive...)
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

// GoesAlone reports whether a call that is too large for a batch can be a request of its own.
func (o *Operation) GoesAlone() bool { return len(o.Endpoints) > 1 }
