package emulator

import (
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// identifier names a person, an object or a delivery: the kind of name and its value.
type identifier struct{ kind, value string }

func (i identifier) String() string {
	if i.kind == "" {
		return ""
	}
	return i.kind + ":" + i.value
}

// none stands for a part that a call does not have.
const none = jsondoc.None

// call is one operation on the workspace, whatever endpoint it came by. Its strings are parts of the request's body,
// and the numbers of its parts are nodes of the request's document.
type call struct {
	typ, action string
	who         identifier
	other       identifier // the secondary of a merge
	name        string
	id          string
	seen        ulid.ULID // what id says; zero where there is none
	timestamp   int64     // unix seconds; zero where there is none
	raw         string

	attributes    int          // an object, or none
	relationships int          // an array, or none
	device        int          // an object, or none
	updateOnly    bool         // _update: do not create
	unrelate      bool         // the relationships are taken away
	ids           []identifier // the people of a segment call

	problems []problem
}

func newCall(raw string) call {
	return call{raw: raw, attributes: none, relationships: none, device: none}
}

// problem is one reason why a call is refused, in the words of Track v2. The old is the whole sentence of Track v1,
// where Customer.io documents one.
type problem struct{ reason, field, message, old string }

// sentence is the problem as Track v1 tells it.
func (p problem) sentence() string {
	if p.old != "" {
		return p.old
	}
	return strings.TrimSpace(p.field + " " + p.message)
}

func (c *call) refuse(reason, field, message string) {
	c.problems = append(c.problems, problem{reason: reason, field: field, message: message})
}

func (c *call) refuseAs(old, reason, field, message string) {
	c.problems = append(c.problems, problem{reason, field, message, old})
}

const (
	reasonRequired = "required"
	reasonInvalid  = "invalid"
)

// The documented limits. Customer.io writes "kb" without saying which; the emulator takes the smaller meaning.
const (
	maxBatchBytes      = 500_000
	maxItemBytes       = 32_000
	maxIDBytes         = 150
	maxNameBytes       = 150 // of an attribute
	maxValueBytes      = 1_000
	maxAttributes      = 300
	maxAttributesBytes = 100_000 // all attributes of an object or a relationship
	maxEventNameBytes  = 100
	maxPageNameChars   = 500
	maxEventDataBytes  = 100_000
	maxSegmentIDs      = 1_000
)
