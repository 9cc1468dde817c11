package rulefile

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/ciobridge/ciobridge/mapping"
)

// Rule is a rule where it stands in another YAML document, such as the configuration.
type Rule mapping.Rule

// UnmarshalYAML reads a rule strictly.
func (rule *Rule) UnmarshalYAML(node ast.Node) error {
	r := &reader{}
	*rule = Rule(r.rule(node, "rules[]"))
	return r.err()
}

// Topic says how the events of one topic or stream arrive: in YAML the name alone, or a map.
type Topic mapping.Topic

// UnmarshalYAML reads a topic: its name, or a map with name, envelope and on_null.
func (t *Topic) UnmarshalYAML(node ast.Node) error {
	r := &reader{}
	if _, isMap := node.(ast.MapNode); !isMap {
		*t = Topic{Name: r.text(node, "name"), Pos: r.pos(node)}
		return r.err()
	}
	topic := Topic{Pos: r.pos(node)}
	r.fields(node, "topic", fields{
		"name":     func(n ast.Node, at string) { topic.Name = r.text(n, at) },
		"envelope": func(n ast.Node, at string) { topic.Envelope = r.envelope(n, at) },
		"on_null":  func(n ast.Node, at string) { topic.OnNull = mapping.Policy(r.text(n, at)) },
	})
	*t = topic
	return r.err()
}

// Envelope says where an event's type, time and identity are: in YAML the name of one that is built in, or a map of
// its name (form), jq programs (type, time, id), or both.
type Envelope mapping.Envelope

// UnmarshalYAML reads an envelope: its name, or a map.
func (e *Envelope) UnmarshalYAML(node ast.Node) error {
	r := &reader{}
	*e = Envelope(r.envelope(node, "envelope"))
	return r.err()
}

func (r *reader) envelope(node ast.Node, at string) (e mapping.Envelope) {
	if _, isMap := node.(ast.MapNode); !isMap {
		e.Name = r.text(node, at)
		return e
	}
	r.fields(node, at, fields{
		"form": func(n ast.Node, at string) { e.Name = r.text(n, at) },
		"type": func(n ast.Node, at string) { e.Type = r.program(n, at) },
		"time": func(n ast.Node, at string) { e.Time = r.program(n, at) },
		"id":   func(n ast.Node, at string) { e.ID = r.program(n, at) },

		"unavailable": func(n ast.Node, at string) { e.Unavailable = r.text(n, at) },
	})
	if e.Type.IsZero() && e.Name == "" {
		r.fail(node, at, "needs type: the expression that gives an event's type; or form: the name of an envelope")
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
