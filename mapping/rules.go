package mapping

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/late"
	"github.com/ciobridge/ciobridge/mapping/rawcall"
)

// Rules are compiled rules. Compile makes them, and nothing changes them afterwards but their counters and their pool
// of buffers, which rules that Continue others share with them; they are safe for use by several goroutines, and need
// no closing.
//
// For each message Map takes a state from a pool, reads the message's envelope into it, applies the rules that name the
// event's type, and gives the calls away; the state goes back. Most messages become one call, whose memory the caller
// may bring back by Recycle once nobody looks at it, so that a steady flow allocates next to nothing.
type Rules struct {
	*compiled
	replay bool
}

// ForReplay gives the same rules for events of the past: identify carries the event's time, so that Customer.io ignores
// it where the person has changed since. On live traffic it carries none, because the order of calls is kept and a time
// that is a little behind would be ignored in silence. Counters are shared with the original.
func (r *Rules) ForReplay() *Rules { return &Rules{r.compiled, true} }

// Hash is a short hexadecimal digest of the effective configuration: rules, envelopes and policies. It changes with
// anything that could change a call, and not with comments or layout.
func (r *Rules) Hash() string { return r.hash }

// Names reports whether there is a rule of that name, and whether one of its calls, or choices, has that name.
func (r *Rules) Names(rule, call string) (isRule, isCall bool) {
	for _, candidate := range r.rules {
		if candidate.name == rule {
			isRule, isCall = true, isCall || slices.Contains(candidate.calls, call)
		}
	}
	return isRule, isCall
}

// RuleStats counts what one rule did since the rules were compiled, or since those that they continue were.
type RuleStats struct {
	Rule    string
	Matched uint64 // events whose type it names and whose condition held
	Skipped uint64 // events whose type it names and whose condition did not hold
	Calls   uint64 // calls made
	Failed  uint64 // calls, or whole events, that could not be made into calls

	TimedOut uint64        // events for which a program ran into its time limit
	Longest  time.Duration // how long the longest of those had computed when it was stopped

	// Behind counts identify calls whose timestamp is older than that of a call made before it for the person, which
	// Customer.io ignores. Of the persons of long ago nothing is remembered. Ahead counts timestamps over a minute
	// after the record's time, after which Customer.io may ignore others. Neither counts replays.
	Behind, Ahead uint64
	Late          uint64 // calls of events that were older than TooLate.After, whatever became of them
	Unsent        uint64 // of Calls: those that were not sent, since the rule said so
}

// Stats gives a row for every rule, in file order.
func (r *Rules) Stats() []RuleStats {
	out := make([]RuleStats, len(r.rules))
	for i, rule := range r.rules {
		out[i] = rule.counts.stats(rule.name)
		out[i].Late, out[i].Unsent = rule.late.Count(), rule.unsent.Load()
	}
	return out
}

type compiled struct {
	*shared
	set         *expr.Set
	rules       []*rule
	exact       map[string][]*rule // by type: every rule that names it, globs included, in file order
	globs       []*rule            // for types that no rule names exactly
	topics      map[string]*topic  // by name
	listed      []*topic           // all that the configuration names, in order
	other       *topic             // for topics that the configuration does not name
	onUnmatched Policy
	about       bool
	reserved    *customerio.Reserved
	warnings    []*mistake.Mistake
	notes       []*mistake.Mistake // on what calls may send
	hash        string
	policies    map[string]event.RulePolicy // by rule
	states      sync.Pool
	statesMade  atomic.Uint32 // that were made
}

type topic struct {
	pattern  string         // of the name, with *
	regexp   *regexp.Regexp // in its place
	forms    event.Forms
	envelope envelope
	onNull   Policy
}

// envelope is where an event keeps its type, time and identity. Identity is by id; CloudEvents add their source. The
// type is that of Debezium where typ is nil.
type envelope struct {
	builtIn
	from, each    *inside // nil where the event is the record's value itself
	typ, time, id *expr.Program
	source, data  *expr.Program // of CloudEvents
	encoded       *expr.Program // of CloudEvents: data in base64
	cloudEvents   bool
	zone          *time.Location // of times that name none; nil for none
	timeElse      Policy
}

type rule struct {
	name     string
	patterns []string
	cond     *expr.Program
	require  []*expr.Program
	time, id *expr.Program
	scope    string
	calls    []string  // their names, and those of choices
	steps    []*action // in their order: actions, and choices between some
	actions  []*action // all that make calls
	self     *action   // stands for the rule in the identity of a failure that precedes its calls
	counts   *counts
	unfit    *unfits
	late     *late.Limit    // nil where nobody asks for the age of events
	sends    bool           // the rule's calls are sent
	unsent   *atomic.Uint64 // calls that were not
}

type action struct {
	event.Step
	op      *customerio.Operation
	allowed bool
	each    *expr.Program
	cond    *expr.Program
	key     callKey
	chooser *chooser // of a choice, which makes no calls itself
	of      *action  // the choice that it is one of; nil for none

	number    int        // of the workspace
	workspace event.Lane // what makes a lane one of the workspace; 0 for the first

	personField *customerio.Field
	person      []person
	nameField   *customerio.Field // nil where the operation has no name
	name        term
	named       []byte            // the member name, where it is a literal
	values      *customerio.Field // the attributes or the data; nil where the operation has neither
	opening     []byte            // of the member that holds the values
	fields      []field           // in the order in which they are evaluated
	removed     []byte            // the members that erase attributes
	removals    int               // how many those are
	latest      *latest           // of all rules; nil where the action gives no timestamp of its own
	counts      *counts           // of its rule
	sends       string            // what it may send, where it sends objects whole
	merges      bool              // two fields may give the same name: the last is evaluated first, and counts
	left        map[string]bool   // names of members of whole objects that are left out
	onInvalid   Policy            // of the name
	timestamp   *expr.Program     // of identify; nil where the event's time or none is meant
	parts       []part            // of a call that has more than a person, a name and values; else nil
	request     *rawcall.Call     // of one's own; parts is empty then
	paths       []*event.Request  // by the kind of the person's identifier, where no path depends on an event
	eventTime   bool              // it carries the event's time
	late        *late.Limit       // of its rule, where it tells of an event
}

type person struct {
	kind customerio.Identifier
	prog *expr.Program
	head []byte // the item of a call that names the person so, up to the identifier's text
}

// term is a program, or a literal where prog is nil.
type term struct {
	prog    *expr.Program
	literal expr.Value
}

type field struct {
	member []byte // the name as JSON, with its colon
	value  term
	name   string // in the rule, such as data.total

	attribute bool                     // of a person, which is checked; data of an event is sent as it is
	kind      customerio.AttributeKind // of an attribute
	names     customerio.Identifier    // of an identifier
	lane      bool                     // the call waits in the identifier's lane
	erase     erase                    // what erases the attribute

	required bool // a call without the value is not made
	told     bool // on_invalid says what becomes of a value that does not fit
	strict   bool // a call whose value does not fit is not made; else the value is left out
	cuts     bool // a text that is too long is cut
	steers   bool // Customer.io takes the datum for an order about the message that it sends
	room     int  // how many attributes a call may have

	own   string // the name; empty where the field is whole
	whole bool   // the value is an object, whose members are sent
	raw   bool   // of a whole field: its members are data, and nothing is left out but what is null

	of  *field // of a member of a whole field: that field
	key []byte // then: the member's name
}

// names reports whether one of the rule's patterns is the type.
func (r *rule) names(typ []byte) bool {
	for _, p := range r.patterns {
		if matches(p, typ) {
			return true
		}
	}
	return false
}

// matches reports whether s fits the pattern, in which * stands for any run of characters, dots and none included.
func matches[S string | []byte](pattern string, s S) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
