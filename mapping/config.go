package mapping

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/ciobridge/ciobridge/customerio"
)

// Config is everything that decides what a message becomes.
type Config struct {
	Topics      []Topic  `yaml:"topics"`       // how events arrive, by topic or stream; others use the plain envelope
	Rules       []Rule   `yaml:"rules"`        // in the order in which their calls leave
	OnUnmatched Policy   `yaml:"on_unmatched"` // an event that no rule names: skip (the default) or dead_letter
	Allow       []string `yaml:"allow"`        // destructive actions that rules may use, by name

	ReservedIDs customerio.ReservedIDs `yaml:"reserved_ids" json:",omitzero"` // identifiers that stand for no person
}

// Policy says what becomes of something that cannot simply be sent.
type Policy string

// The policies.
const (
	Skip       Policy = "skip"        // leave it out and count it
	DeadLetter Policy = "dead_letter" // store it with the dead letters
	Stop       Policy = "stop"        // hold the source until somebody acts
	Send       Policy = "send"        // treat it like any other
)

// Topic says how the events of one topic or stream arrive. In YAML it is the name alone, or a map.
type Topic struct {
	Name     string   // a Kafka topic or JetStream stream; * stands for any run of characters
	Envelope Envelope // the default is plain
	OnNull   Policy   // a record that holds no event, such as a tombstone or a removal: skip, or dead_letter, which is the default

	line int
}

// UnmarshalYAML reads a topic: its name, or a map with name, envelope and on_null.
func (t *Topic) UnmarshalYAML(node ast.Node) error {
	r := &reader{}
	if _, isMap := node.(ast.MapNode); !isMap {
		*t = Topic{Name: r.text(node, "name"), line: line(node)}
		return r.err()
	}
	topic := Topic{line: line(node)}
	r.fields(node, "topic", fields{
		"name":     func(n ast.Node, at string) { topic.Name = r.text(n, at) },
		"envelope": func(n ast.Node, at string) { topic.Envelope = r.envelope(n, at) },
		"on_null":  func(n ast.Node, at string) { topic.OnNull = Policy(r.text(n, at)) },
	})
	*t = topic
	return r.err()
}

// Envelope says where an event's type, time and identity are. In YAML it is a name (plain, cloudevents) or a map of jq
// programs {type, time, id}.
type Envelope struct {
	Name string // empty for plain, and for an envelope of the configuration's own

	// Type, Time and ID are the programs of an envelope of the configuration's own. Without Time the broker's time counts;
	// without ID an event is known by its place in the broker.
	Type, Time, ID Term
}

// The envelopes by name.
const (
	plainEnvelope       = "plain"
	cloudEventsEnvelope = "cloudevents"
)

// laterEnvelopes are known and not read yet.
var laterEnvelopes = []string{"segment", "debezium"}

// UnmarshalYAML reads an envelope: its name, or a map of jq programs.
func (e *Envelope) UnmarshalYAML(node ast.Node) error {
	r := &reader{}
	*e = r.envelope(node, "envelope")
	return r.err()
}

func (r *reader) envelope(node ast.Node, at string) (e Envelope) {
	if _, isMap := node.(ast.MapNode); !isMap {
		e.Name = r.text(node, at)
		return e
	}
	r.fields(node, at, fields{
		"type": func(n ast.Node, at string) { e.Type = r.program(n, at) },
		"time": func(n ast.Node, at string) { e.Time = r.program(n, at) },
		"id":   func(n ast.Node, at string) { e.ID = r.program(n, at) },
	})
	if e.Type.IsZero() {
		r.fail(node, at, "needs type: the expression that gives an event's type")
	}
	return e
}

// check says what is wrong with an envelope, or "".
func (e *Envelope) check() string {
	switch {
	case e.Name == "" || e.Name == plainEnvelope || e.Name == cloudEventsEnvelope:
		return ""
	case slices.Contains(laterEnvelopes, e.Name):
		return fmt.Sprintf("the %s envelope is not supported by this version; a map {type: …, time: …, id: …} can read such events", e.Name)
	}
	known := append([]string{plainEnvelope, cloudEventsEnvelope}, laterEnvelopes...)
	return fmt.Sprintf("is no envelope%s; want plain, cloudevents or a map {type: …, time: …, id: …}", suggest(e.Name, known))
}

// Validate reports every mistake in the configuration that can be told without compiling its rules. Compile reports them too.
func (c *Config) Validate() error {
	m := &mistakes{}
	for i := range c.Topics {
		c.Topics[i].validate(m, i)
	}
	m.policy("on_unmatched", c.OnUnmatched)
	for i, name := range c.Allow {
		if !slices.Contains(customerio.DestructiveActions(), name) {
			m.add("allow[%d]: is no destructive action%s; want %s", i,
				suggest(name, customerio.DestructiveActions()), orList(customerio.DestructiveActions()))
		}
	}
	for _, err := range c.ReservedIDs.Validate() {
		m.add("reserved_ids.%w", err)
	}
	return m.err()
}

// validate names a topic by its place among the source's topics or streams: what stands there instead of a name may be anything.
func (t *Topic) validate(m *mistakes, i int) {
	where := place("", t.line) + fmt.Sprintf("topics[%d]", i)
	if t.Name == "" {
		m.add("%s: name is empty", where)
	}
	if problem := t.Envelope.check(); problem != "" {
		m.add("%s: envelope: %s", where, problem)
	}
	m.policy(where+": on_null", t.OnNull)
}

// policy checks a policy of a place where an event can only be skipped or dead-lettered.
func (m *mistakes) policy(where string, p Policy) {
	switch p {
	case "", Skip, DeadLetter:
	case Stop, Send:
		m.add("%s: %s is not supported here by this version; want skip or dead_letter", where, p)
	default:
		m.add("%s: is no policy%s; want skip or dead_letter", where, suggest(string(p), []string{"skip", "dead_letter"}))
	}
}
