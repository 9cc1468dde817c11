package rulefile

import (
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// Rule is a rule where it stands in another YAML document, such as the configuration.
type Rule mapping.Rule

// ReadYAML reads a rule strictly.
func (rule *Rule) ReadYAML(n *yamltree.Node) error {
	r := &reader{quiet: true}
	*rule = Rule(r.rule(n))
	return r.mistakes.Err()
}

// Rows says what may stand in a rule.
func (*Rule) Rows() []yamltree.Row { return ruleKeys.rows() }

// Topic says how the events of one topic or stream arrive: in YAML the name alone, or a map.
type Topic mapping.Topic

var topicKeys = table[mapping.Topic]{
	{yamltree.Row{Key: "name",
		Meaning: "The name of a topic. A topic that has nothing but a name may be written as a text.",
		Example: "shop.orders",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, t *mapping.Topic) { t.Name = r.text(n) }},
	{yamltree.Row{Key: "pattern",
		Meaning: "In place of `name`: a regular expression (RE2) that the whole names of topics match. " +
			"Topics that are made later are found within 30 s, and read from their beginning; those that were made " +
			"while no replica ran are read as `start_at` says.",
		Example: "'orders\\..*'",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, t *mapping.Topic) { t.Pattern = r.text(n) }},
	{yamltree.Row{Key: "envelope",
		Meaning: "Where an event's type, time and identity stand: a form with a name, or a map.",
		Example: "cloudevents",
		Form:    yamltree.TextOrMap, Choices: mapping.EnvelopeForms(), Default: "plain", Inside: func() []yamltree.Row {
			return envelopeKeys.rows()
		}}, func(r *reader, n *yamltree.Node, t *mapping.Topic) { t.Envelope = r.envelope(n) }},
	{yamltree.Row{Key: "content",
		Example: "avro",
		Default: "json",
		Form:    yamltree.InText, Choices: mapping.Contents(),
		Meaning: "The form of the values. All but json need schema_registry."},
		func(r *reader, n *yamltree.Node, t *mapping.Topic) { t.Content = r.text(n) }},
	{yamltree.Row{Key: "key_content",
		Example: "avro",
		Default: "json",
		Form:    yamltree.InText, Choices: mapping.Contents(),
		Meaning: "The form of the keys: what a schema reads, or json for keys that are taken as they are. With the " +
			"envelopes debezium and connect it is that of the values where nothing is said."},
		func(r *reader, n *yamltree.Node, t *mapping.Topic) { t.KeyContent = r.text(n) }},
	{yamltree.Row{Key: "on_null",
		Meaning: "What becomes of a record that holds nothing, such as a tombstone. With Debezium " +
			"it is skipped where nothing is said.",
		Example: "skip",
		Form:    yamltree.InText, Default: "dead_letter", Choices: nullPolicies},
		func(r *reader, n *yamltree.Node, t *mapping.Topic) { t.OnNull = mapping.Policy(r.text(n)) }},
}

// nullPolicies are the words of on_null.
var nullPolicies = []string{string(mapping.Skip), string(mapping.DeadLetter), string(mapping.AsEvent)}

// ReadYAML reads a topic: its name, or a map with name or pattern, envelope and on_null.
func (t *Topic) ReadYAML(n *yamltree.Node) error {
	r := &reader{quiet: true}
	topic := mapping.Topic{Pos: n.Place}
	if n.Kind == yamltree.Map {
		if readMap(r, n, topicKeys, &topic) && n.Get("name") == nil && n.Get("pattern") == nil {
			r.fail(n, "needs name, or pattern for a regular expression of names")
		}
	} else {
		topic.Name = r.text(n)
	}
	*t = Topic(topic)
	return r.mistakes.Err()
}

// FromText says that a text may stand for a topic.
func (*Topic) FromText() {}

// Rows says what may stand in a topic that is a map.
func (*Topic) Rows() []yamltree.Row { return topicKeys.rows() }

// Envelope says where an event's type, time and identity are: in YAML the name of one that is built in, or a map of
// its name (form), jq programs (type, time, id, from, each), or both.
type Envelope mapping.Envelope

var envelopeKeys = table[mapping.Envelope]{
	{yamltree.Row{Key: "form",
		Meaning: "The form with a name that is read before the expressions beside it.",
		Example: "debezium",
		Form:    yamltree.InText, Choices: mapping.EnvelopeForms()},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.Name = r.text(n) }},
	{yamltree.Row{Key: "type",
		Meaning: "Gives the type of an event, by which rules choose.",
		Example: ".kind",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.Type = r.program(n) }},
	{yamltree.Row{Key: "time",
		Meaning: "Gives the time of an event: an expression, or a map. Without it the broker's time " +
			"counts.",
		Example: ".at",
		Form:    yamltree.ExpressionOrMap, Inside: func() []yamltree.Row {
			return timeKeys.rows()
		}}, func(r *reader, n *yamltree.Node, e *mapping.Envelope) {
		if n.Kind == yamltree.Map {
			readMap(r, n, timeKeys, e)
		} else {
			e.Time = r.program(n)
		}
	}},
	{yamltree.Row{Key: "id",
		Meaning: "Gives an identity that belongs to the event alone. Without it an event is known by its " +
			"place in the broker.",
		Example: ".event_id",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.ID = r.program(n) }},
	{yamltree.Row{Key: "from",
		Meaning: "Gives the document in which the event stands, where that is not the record itself. A " +
			"text of JSON, base64, gzip or zstd is opened.",
		Example: ".payload",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.From = r.program(n) }},
	{yamltree.Row{Key: "each",
		Meaning: "Gives the events of a record that holds several.",
		Example: "'.records[]'",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.Each = r.program(n) }},
	{yamltree.Row{Key: "unavailable",
		Meaning: "What Debezium writes for values that did not change, where its own placeholder was " +
			"changed.",
		Example: "__unchanged",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.Unavailable = r.text(n) }},
}

// timeKeys are what an envelope says of the time of events.
var timeKeys = table[mapping.Envelope]{
	{yamltree.Row{Key: "value",
		Meaning: "Gives the time.",
		Example: ".at",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.Time = r.program(n) }},
	{yamltree.Row{Key: "zone",
		Meaning: "The zone of times that name none.",
		Example: "Europe/Oslo",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.Zone = r.text(n) }},
	{yamltree.Row{Key: "else",
		Meaning: "What becomes of an event whose time cannot be read: it has the broker's time, or is a " +
			"dead letter.",
		Example: "broker",
		Default: string(mapping.DeadLetter),
		Form:    yamltree.InText,
		Choices: []string{string(mapping.BrokerTime), string(mapping.DeadLetter)}},
		func(r *reader, n *yamltree.Node, e *mapping.Envelope) { e.TimeElse = mapping.Policy(r.text(n)) }},
}

// ReadYAML reads an envelope: its name, or a map of jq programs.
func (e *Envelope) ReadYAML(n *yamltree.Node) error {
	r := &reader{quiet: true}
	*e = Envelope(r.envelope(n))
	return r.mistakes.Err()
}

// FromText says that a text may stand for an envelope.
func (*Envelope) FromText() {}

// Rows says what may stand in an envelope that is a map.
func (*Envelope) Rows() []yamltree.Row { return envelopeKeys.rows() }

func (r *reader) envelope(node *yamltree.Node) (e mapping.Envelope) {
	if node.Kind != yamltree.Map {
		e.Name = r.text(node)
		return e
	}
	if readMap(r, node, envelopeKeys, &e) && e.Type.IsZero() && e.From.IsZero() && e.Each.IsZero() && e.Name == "" {
		r.fail(node, "needs type: the expression that gives an event's type; or form: the name of an envelope; "+
			"or from or each: where in the record events are")
	}
	return e
}

// Rules are the rules of a section. An empty list stays empty and none stays none: the digest of a configuration tells
// them apart.
func Rules(section []Rule) []mapping.Rule {
	if section == nil {
		return nil
	}
	rules := make([]mapping.Rule, len(section))
	for i, r := range section {
		rules[i] = mapping.Rule(r)
	}
	return rules
}

// Topics are the topics of a section.
func Topics(section []Topic) []mapping.Topic {
	if section == nil {
		return nil
	}
	topics := make([]mapping.Topic, len(section))
	for i, t := range section {
		topics[i] = mapping.Topic(t)
	}
	return topics
}
