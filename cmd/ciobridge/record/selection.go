package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// selection says which messages are recorded.
type selection struct {
	topics, types, rules []string
	limit, perType       int
	between              consumer.Bounds
}

// recorded is a message that was chosen.
type recorded struct {
	message event.Message
	typ     string // of its event; empty where it cannot be read, or holds several
}

// reading is what is known while the source is read.
type reading struct {
	*selection
	rules  *mapping.Rules
	taken  []recorded
	byType map[string]int

	read, unreadable int // of those that were read and chosen: cannot be recorded
}

// errEnough ends the reading.
var errEnough = errors.New("there are enough events")

// check finds what cannot be meant.
func (s *selection) check(rules *mapping.Rules) error {
	var errs []error
	if s.limit < 1 || s.limit > maxTests {
		errs = append(errs, fmt.Errorf("--limit %d: want 1 to %d", s.limit, maxTests))
	}
	if s.perType < 0 {
		errs = append(errs, fmt.Errorf("--per-type %d: is negative", s.perType))
	}
	for _, topic := range s.topics {
		if !rules.HasTopic(topic) {
			errs = append(errs, fmt.Errorf("--topic %s: is not in the configuration", topic))
		}
	}
	return errors.Join(append(errs, cli.CheckRules(s.rules, rules.RuleNames()))...)
}

// take reads the source until there are enough messages, or no more.
func (r *reading) take(ctx context.Context, source *cli.Source) error {
	extents, err := source.Select(ctx, r.between, r.topics...)
	if err != nil {
		return err
	}
	if err := source.Read(ctx, extents, r.look); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// look takes a message if it is chosen.
func (r *reading) look(m *event.Message) error {
	r.read++
	typ := ""
	if e, err := r.rules.Inspect(*m, 0); err == nil {
		typ = e.Type
	}
	if !r.chooses(m, typ) || r.perType > 0 && r.byType[typ] >= r.perType {
		return nil
	}
	one := recorded{copied(m), typ}
	if !readable(one.message) {
		r.unreadable++
		return nil
	}
	r.byType[typ]++
	r.taken = append(r.taken, one)
	if len(r.taken) == r.limit {
		return errEnough
	}
	return nil
}

// chooses reports whether a message has one of the types, and is one of the rules'.
func (r *reading) chooses(m *event.Message, typ string) bool {
	if len(r.types) > 0 && !slices.ContainsFunc(r.types, func(pattern string) bool {
		return mapping.MatchesType(pattern, typ)
	}) {
		return false
	}
	if len(r.selection.rules) == 0 {
		return true
	}
	for _, step := range steps(r.rules, *m) {
		if slices.Contains(r.selection.rules, step.rule) {
			return true
		}
	}
	return false
}

// step is what a rule made of an event: a call, or a dead letter.
type step struct {
	rule, call string
	reason     event.Reason
}

// steps are what rules make of a message. A panic, whose text may quote the event, gives none.
func steps(rules *mapping.Rules, m event.Message) (list []step) {
	defer func() {
		if recover() != nil {
			list = nil
		}
	}()
	got := rules.Explain(m)
	for i := range got.Calls {
		list = append(list, step{got.Calls[i].Step.Rule, got.Calls[i].Step.Call, ""})
	}
	for i := range got.Failures {
		list = append(list, step{got.Failures[i].Rule, got.Failures[i].Call, got.Failures[i].Reason})
	}
	return list
}

// copied is a message as JSON has it: with what a schema reads in place of what the broker holds.
func copied(m *event.Message) event.Message {
	c := event.Message{Origin: event.Origin{Topic: m.Origin.Topic, Subject: m.Origin.Subject}, Time: m.Time,
		Key: bytes.Clone(m.KeyText()), Value: bytes.Clone(m.Value)}
	if read := m.ValueContent(); read != nil {
		c.Value = bytes.Clone(read)
	}
	for _, h := range m.Headers {
		c.Headers = append(c.Headers, event.Header{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	return c
}
