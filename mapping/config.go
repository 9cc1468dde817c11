package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Config is everything that decides what a message becomes.
type Config struct {
	Topics      []Topic  // how events arrive, by topic or stream; others use the plain envelope
	Rules       []Rule   // in the order in which their calls leave
	OnUnmatched Policy   // an event that no rule names: skip (the default) or dead_letter
	Allow       []string // destructive actions that rules may use, by name

	// OnInvalid says what becomes of a value that Customer.io would refuse or ignore, where neither its step nor its
	// field says it: dead_letter, leave_out (the default but for what is required) or truncate.
	OnInvalid Policy `json:",omitempty"`

	ReservedIDs customerio.ReservedIDs `json:",omitzero"` // identifiers that stand for no person

	// Workspaces are the names of those beside the first, which has none, in the order of their numbers.
	Workspaces []string `json:",omitempty"`

	Define []Definitions `json:",omitempty"` // functions that all programs may call; each knows those before it

	// TooLate says what becomes of events that are too old to trigger anything.
	TooLate TooLate `json:",omitzero"`

	// About has calls tell whom they are about, for an erasure fence. It changes nothing of what is sent.
	About bool `json:"-"`

	// Taken says why no answer may be published under a name, such as that the source reads it; empty where one may.
	// Nil lets all be published.
	Taken func(name string) string `json:"-"`
}

// TooLate says what becomes of calls that tell of an event, where that is older than After when it is mapped: send,
// skip or dead_letter. Where it says nothing they are sent. A replay sends them too.
type TooLate struct {
	After time.Duration `yaml:"after"` // 72 h unless set, as Customer.io triggers nothing for older events
	Then  Policy        `yaml:"then,lower"`
}

// Definitions are functions in jq that programs share, such as "def cents: . * 100;".
type Definitions struct {
	Source string

	Pos Position `json:"-"` // of the first line of Source
}

// Policy says what becomes of something that cannot simply be sent.
type Policy string

// The policies.
const (
	Skip       Policy = "skip"        // leave it out and count it
	DeadLetter Policy = "dead_letter" // store it with the dead letters
	AsEvent    Policy = "event"       // give rules an event that says so; of a record that holds nothing
	LeaveOut   Policy = "leave_out"   // of a value that does not fit: send the call without it, and count it
	Truncate   Policy = "truncate"    // of a text that is too long: cut it; what cannot be cut is left out
	Send       Policy = "send"        // send it all the same, and count it
	BrokerTime Policy = "broker"      // take the record's time; of an event whose own cannot be read
)

// Topic says how the events of one topic or stream arrive.
type Topic struct {
	Name string // a Kafka topic or JetStream stream; * stands for any run of characters
	// Pattern stands in place of Name for topics whose whole names match this regular expression, in the syntax of RE2.
	// A topic that is named itself is not meant.
	Pattern  string   `json:",omitempty"`
	Envelope Envelope // the default is plain
	// Content is the form of the values, from which JSON is made before anything reads them. Empty is JSON itself; the
	// mapping makes nothing of it, and a value that was not turned into JSON before is read as it is.
	Content string `json:",omitempty"`
	// KeyContent is the form of the keys. Empty is that of the values where Debezium or another connector of Kafka
	// Connect writes both, and else JSON, that is, keys stay as they are.
	KeyContent string `json:",omitempty"`
	// OnNull says what becomes of a record that holds nothing, such as a tombstone or a removal: skip, event, or
	// dead_letter, which is the default but for Debezium, where a tombstone follows every deletion.
	OnNull Policy

	Pos Position `json:"-"`
}

// Envelope says where an event's type, time and identity are: one that is built in, jq programs, or both. Programs
// beside a built-in envelope are used in place of what that would give.
type Envelope struct {
	Name string // of the built-in envelope; empty for plain, and for an envelope of the configuration's own

	// Type, Time and ID are the programs of the configuration's own. Without Time the broker's time counts; without ID
	// an event is known by its place in the broker.
	Type, Time, ID Term

	// Zone is the time zone of times that name none, such as Europe/Oslo or +01:00. TimeElse says what becomes of an
	// event whose time cannot be read: broker, or dead_letter, which is the default.
	Zone     string `json:",omitempty"`
	TimeElse Policy `json:",omitempty"`

	// From gives the document in which the event is, where that is not the record's value itself: a text of JSON, or
	// one that is compressed or in base64, is opened. Each gives the events of a record that holds several.
	From Term `json:",omitzero"`
	Each Term `json:",omitzero"`

	// Unavailable is what Debezium is told to write for values that did not change; empty for its own placeholder.
	Unavailable string `json:",omitempty"`
}

// location is the time zone of times that name none; nil for none, and for one that check does not know.
func (e *Envelope) location() *time.Location {
	if e.Zone == "" {
		return nil
	}
	loc, _ := document.Zone(e.Zone)
	return loc
}

// check says what is wrong with an envelope, or "".
func (e *Envelope) check() string {
	switch {
	case !slices.Contains(envelopes, e.Name) && e.Name != "":
		return fmt.Sprintf("is no envelope%s; want %s, or a map {type: …, time: …, id: …}",
			choice.Near(e.Name, envelopes), choice.List(envelopes))
	case e.Unavailable != "" && e.Name != debeziumEnvelope:
		return "unavailable is for the debezium envelope only"
	case e.Zone != "" && !document.IsZone(e.Zone):
		return "time.zone is no time zone; want a name such as Europe/Oslo, or an offset such as +01:00"
	case e.Name == cloudEventsEnvelope && !(e.Type.IsZero() && e.Time.IsZero() && e.ID.IsZero()):
		return "a CloudEvent has its type, time and id where its specification says; want cloudevents alone"
	}
	return ""
}

// Validate reports every mistake in the configuration that can be told without compiling its rules. Compile reports
// them too.
func (c *Config) Validate() error {
	m := &mistake.List{}
	for i := range c.Topics {
		c.Topics[i].validate(m, i)
	}
	checkPolicy(m, Position{Path: "on_unmatched"}, c.OnUnmatched, Skip, DeadLetter)
	checkPolicy(m, Position{Path: "on_invalid"}, c.OnInvalid, DeadLetter, LeaveOut, Truncate)
	checkPolicy(m, Position{Path: "too_late.then"}, c.TooLate.Then, Send, Skip, DeadLetter)
	switch {
	case c.TooLate.After < 0:
		m.Add(Position{Path: "too_late.after"}, "%s is negative", c.TooLate.After)
	case c.TooLate.After > 0 && c.TooLate.Then == "":
		m.Add(Position{Path: "too_late.then"}, "is missing: want send, skip or dead_letter")
	}
	for i, name := range c.Allow {
		if !slices.Contains(customerio.DestructiveActions(), name) {
			m.Add(Position{Path: indexed("allow", i)}, "is no destructive action%s; want %s",
				choice.Near(name, customerio.DestructiveActions()), choice.List(customerio.DestructiveActions()))
		}
	}
	m.Join(mistake.Under("reserved_ids", errors.Join(c.ReservedIDs.Validate()...)))
	return m.Err()
}

var contents = []string{"json", "avro", "protobuf", "json_schema"}

// Contents are the forms of values that a topic may have. Package content reads them.
func Contents() []string { return slices.Clone(contents) }

// EnvelopeForms are the names of the envelopes that are built in.
func EnvelopeForms() []string { return slices.Clone(envelopes) }

// validate names a topic by its place among the source's topics or streams: what stands there instead of a name may be
// anything.
func (t *Topic) validate(m *mistake.List, i int) {
	where := t.path(i)
	switch {
	case t.Pattern != "" && t.Name != "":
		m.Add(t.Pos.With(where), "has both a name and a pattern; want one of them")
	case t.Pattern != "":
		var wrong *syntax.Error // whose Code quotes nothing
		if _, err := topicpattern.Compile(t.Pattern); errors.As(err, &wrong) {
			m.Add(t.Pos.With(where+".pattern"),
				"is no regular expression: %s; `orders\\..*` is one, of names that begin with orders.", wrong.Code)
		}
	case t.Name == "":
		m.Add(t.Pos.With(where), "has no name")
	}
	if problem := t.Envelope.check(); problem != "" {
		m.Add(t.Pos.With(where+".envelope"), "%s", problem)
	}
	checkPolicy(m, t.Pos.With(where+".envelope.time.else"), t.Envelope.TimeElse, BrokerTime, DeadLetter)
	checkContent(m, t.Pos.With(where+".content"), "values", t.Content)
	checkContent(m, t.Pos.With(where+".key_content"), "keys", t.KeyContent)
	checkPolicy(m, t.Pos.With(where+".on_null"), t.OnNull, Skip, DeadLetter, AsEvent)
}

func checkContent(m *mistake.List, where Position, of, content string) {
	if !slices.Contains(contents, content) && content != "" {
		m.Add(where, "is no form of %s%s; want %s", of, choice.Near(content, contents), choice.List(contents))
	}
}

// Forms are those of the topic's values and keys.
func (t *Topic) Forms() event.Forms {
	f := event.Forms{Value: t.Content, Key: t.KeyContent}
	if f.Key == "" && (t.Envelope.Name == debeziumEnvelope || t.Envelope.Name == connectEnvelope) {
		f.Key = t.Content
	}
	return f
}

func (t *Topic) path(i int) string { return cmp.Or(t.Pos.Path, indexed("topics", i)) }

// checkPolicy checks a policy of a place that knows some.
func checkPolicy(m *mistake.List, where Position, p Policy, known ...Policy) {
	if p == "" || slices.Contains(known, p) {
		return
	}
	var words []string
	for _, k := range known {
		words = append(words, string(k))
	}
	want := choice.List(words)
	switch p {
	case "stop", "send", AsEvent: // words of other places, or that others may come to know
		m.Add(where, "%s is not supported here by this version; want %s", p, want)
	default:
		m.Add(where, "is no policy%s; want %s", choice.Near(string(p), words), want)
	}
}

// Workspaces are the names of those to which the calls of a rule go, or its call of a name where one is given. There is
// none where there is no such rule or call.
func (r *Rules) Workspaces(rule, call string) (names []string) {
	for _, candidate := range r.rules {
		for _, a := range candidate.actions {
			if candidate.name == rule && (call == "" || a.Call == call || a.of != nil && a.of.Call == call) {
				names = append(names, a.Workspace)
			}
		}
	}
	return names
}
