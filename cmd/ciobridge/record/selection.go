package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
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

// decoder gives messages the content of their values, by a schema registry where that is needed.
type decoder interface {
	Decode(ctx context.Context, forms event.Forms, m *event.Message) error
}

// reading is what is known while the source is read.
type reading struct {
	*selection
	rules   *mapping.Rules
	decoder decoder
	taken   []recorded
	byType  map[string]int

	read, unreadable int // of those that were read and chosen: cannot be recorded
}

// errEnough ends the reading.
var errEnough = errors.New("there are enough events")

// registryLimit is how long the schema registry is waited for.
const registryLimit = 10 * time.Second

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
	for _, name := range s.rules {
		if !slices.Contains(rules.RuleNames(), name) {
			errs = append(errs, fmt.Errorf("--rule %q: there is no such rule%s", name,
				choice.Near(name, rules.RuleNames())))
		}
	}
	return errors.Join(errs...)
}

// take reads the source until there are enough messages, or no more.
func (r *reading) take(ctx context.Context, b source.Broker) error {
	extents, err := b.Extents(ctx, r.between)
	if err != nil {
		return err
	}
	for _, e := range extents {
		if len(r.topics) > 0 && !slices.Contains(r.topics, e.Topic) {
			continue
		}
		err := cli.ReadExtent(ctx, b, e, func(m *event.Message) error { return r.look(ctx, m) })
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, err)
		}
	}
	return nil
}

// look takes a message if it is chosen.
func (r *reading) look(ctx context.Context, m *event.Message) error {
	r.read++
	soon, cancel := context.WithTimeout(ctx, registryLimit)
	defer cancel()
	if err := r.decoder.Decode(soon, r.rules.Forms(m.Origin.Topic), m); err != nil {
		if ctx.Err() == nil {
			err = exit.With(exit.Broker, fmt.Errorf("the schema registry has not answered for %s", registryLimit))
		}
		return err
	}
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
