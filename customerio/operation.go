package customerio

import "strconv"

// Action is an operation on a person.
type Action uint8

// The operations on a person that rules can ask for.
const (
	Identify Action = iota + 1
	Track
	Pageview
	Screen
	Delete
)

// Operation holds the facts of one action.
type Operation struct {
	Name        string // as rules write it
	wire        string // the action of a v2 item, which for events is also the type in v1
	Event       bool   // an event, page or screen: it has a name, and Customer.io ignores a repeat of its id
	Destructive bool   // takes something away that no later call can bring back
}

var operations = [...]Operation{
	Identify: {Name: "identify", wire: "identify"},
	Track:    {Name: "track", wire: "event", Event: true},
	Pageview: {Name: "pageview", wire: "page", Event: true},
	Screen:   {Name: "screen", wire: "screen", Event: true},
	Delete:   {Name: "delete", wire: "delete", Destructive: true},
}

// Operation gives the facts of the action.
func (a Action) Operation() Operation { return operations[a] }

// DestructiveActions names the actions that work only where the configuration allows them by name: what they take away cannot
// be brought back. Suppress and merge are among them although no rule can ask for them yet, so that one list of
// allowed actions serves every version.
func DestructiveActions() []string { return []string{"delete", "suppress", "merge"} }

// AppendItem begins an item of a v2 batch that acts on a person, up to the identifier's text, which is the same for every call of a
// step. The caller appends the text as a JSON string and a closing brace; the item stays open after that, more members may follow, and
// the caller closes it with another brace. The text is an identifier as CheckIdentifier accepts it; the prefix cio_, which
// v1 and Segment write before a cio_id, is not part of a v2 identifier and has been taken off.
func AppendItem(dst []byte, action Action, kind Identifier) []byte {
	dst = append(dst, `{"type":"person","action":"`...)
	dst = append(dst, operations[action].wire...)
	dst = append(dst, `","identifiers":{"`...)
	dst = append(dst, identifierNames[kind]...)
	return append(dst, `":`...)
}

// AppendMember appends a comma, the name and a colon; the value follows. The name is JSON's own text, without escapes.
func AppendMember(dst []byte, name string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	return append(dst, `":`...)
}

// AppendTimestamp appends the member timestamp in unix seconds. Anything else would be replaced by the time of receipt, with a 200.
func AppendTimestamp(dst []byte, unix int64) []byte {
	return strconv.AppendInt(append(dst, `,"timestamp":`...), unix, 10)
}

const hexDigits = "0123456789abcdef"

// AppendString appends text as a JSON string with no escapes but those that JSON demands: the bytes count against limits. The
// text is valid UTF-8.
func AppendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i, c := range text {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}
