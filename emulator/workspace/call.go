package workspace

import (
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// none stands for a part that a call does not have.
const none = jsondoc.None

// Call is one operation on the workspace, whatever API it came by. Its strings are parts of the request's body, and
// the numbers of its parts are nodes of the request's document.
type Call struct {
	Type, Action string     // such as person and identify, as Track v2 names them
	Who          Identifier // whom or what it is about
	Other        Identifier // the secondary of a merge; of an object, the person who is related to it
	Name         string     // of an event, page, screen, metric, segment or device
	ID           string     // of an event, as it was sent
	Seen         ulid.ULID  // by which a repeat is known; zero where the call has no id
	Timestamp    int64      // unix seconds; zero where there is none
	Raw          string     // the bytes of the call

	Attributes    int          // an object, or jsondoc.None
	Relation      int          // the attributes of the relationship to Other: an object, or jsondoc.None
	Relationships int          // an array, or jsondoc.None
	Device        int          // an object, or jsondoc.None
	UpdateOnly    bool         // do not create anybody
	Unrelate      bool         // the relationships are taken away
	Names         []Identifier // what identify calls the person beside what stands among the attributes
	IDs           []Identifier // the people of a segment call
	Odd           int          // entries of a segment call that cannot be ids of the kind that was asked for
	Alias         Identifier   // what the secondary of a merge may be called as well

	Href string // of a metric: the link that was clicked

	Extra map[string]string // attributes that are set beside Attributes, as JSON

	// Reserved tells which members of Attributes are instructions and not attributes. Where it is nil, those of Track
	// are for a person, and none for an object.
	Reserved func(key string) bool

	Ignored  string    // why a call that is carried out changes nothing, where its API finds that out
	Problems []Problem // why the call is refused; empty for one that is carried out
}

// NewCall makes a call that has none of the parts that are nodes.
func NewCall(raw string) Call {
	return Call{Raw: raw, Attributes: none, Relation: none, Relationships: none, Device: none}
}

// Problem is one reason why a call is refused, in the words of Track v2. Old is the whole sentence of Track v1, where
// Customer.io documents one.
type Problem struct{ Reason, Field, Message, Old string }

// Sentence is the problem as Track v1 tells it.
func (p Problem) Sentence() string {
	if p.Old != "" {
		return p.Old
	}
	return strings.TrimSpace(p.Field + " " + p.Message)
}

// The reasons that Track v2 gives.
const (
	Required = "required"
	Invalid  = "invalid"
)

// Refuse adds a problem.
func (c *Call) Refuse(reason, field, message string) {
	c.Problems = append(c.Problems, Problem{Reason: reason, Field: field, Message: message})
}

// RefuseAs adds a problem for which Track v1 has a sentence of its own.
func (c *Call) RefuseAs(old, reason, field, message string) {
	c.Problems = append(c.Problems, Problem{reason, field, message, old})
}
