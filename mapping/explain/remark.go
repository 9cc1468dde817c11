package explain

import (
	"fmt"
	"strings"

	"github.com/ciobridge/ciobridge/event"
)

// Remark tells why something that rules could have made of an event is not there.
type Remark struct {
	Why    Why
	Item   int    // the number of the event among those of its message, from 1; 0 where that is one event
	Rule   string // empty where no rule is meant
	Call   string // empty where the whole rule is meant
	Field  string // of a value
	Member string // of a value that stands in an object that is sent whole: its name, if that reads like one
	Reason event.Reason
	Detail string
}

// Asked is a condition that was asked of one event, or of one item of its list.
type Asked struct {
	Rule string
	Call string // empty where it is the rule's
	Held bool
}

// Why is the kind of a remark.
type Why string

// The kinds of remarks.
const (
	NoRule       Why = "no_rule"    // no rule names the event's type
	Condition    Why = "condition"  // that of a rule, or of one of its calls, did not hold
	NoItem       Why = "no_item"    // each gave nothing
	NotListed    Why = "not_listed" // the value that chooses an action is none of the words, and else skips it
	NoEvent      Why = "no_event"   // the record holds no event, and on_null skips it
	ValueLeftOut Why = "left_out"   // a value did not fit: the call goes without it
	ValueCut     Why = "truncated"  // a text was too long: the call has its beginning
)

// String tells the remark in a line.
func (n Remark) String() string {
	text := strings.ReplaceAll(string(n.Why), "_", " ")
	for _, part := range []struct{ name, value string }{{"rule", n.Rule}, {"call", n.Call}, {"field", n.Field}} {
		if part.value != "" {
			text += fmt.Sprintf(" %s=%q", part.name, part.value)
		}
	}
	if n.Reason != "" {
		text += " " + string(n.Reason)
	}
	return text + ": " + n.Detail
}
