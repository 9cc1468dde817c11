package mapping

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/foreign"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/late"
)

// Compile checks a configuration and makes it ready for use. The error names every mistake.
func Compile(c Config) (*Rules, error) {
	b := &compiler{
		workspaces: c.Workspaces, allow: c.Allow, onInvalid: c.OnInvalid, tooLate: c.TooLate,
		taken: c.Taken, inFiles: map[string]scope{},
	}
	b.out = &compiled{
		shared:      &shared{},
		set:         expr.NewSet(),
		exact:       map[string][]*rule{},
		topics:      map[string]*topic{},
		onUnmatched: c.OnUnmatched, about: c.About,
		reserved: customerio.NewReserved(c.ReservedIDs),
		hash:     hashOf(c),
		policies: map[string]event.RulePolicy{},
	}
	b.Join(c.Validate())
	if len(c.Rules) == 0 && c.OnUnmatched != DeadLetter {
		b.Add(Position{Path: "rules"}, "there is none, so that every event would be read, skipped and committed: "+
			"give rules or rules_from, or on_unmatched: dead_letter")
	}
	for _, d := range c.Define {
		b.shared = b.define(b.shared, d)
	}
	b.scope = b.shared
	b.topics(c.Topics)
	b.rules(c.Rules)
	b.timestamps()
	b.idsOfPersons(c.Rules)
	b.index()
	if err := b.Err(); err != nil {
		return nil, err
	}
	b.out.seal()
	return &Rules{compiled: b.out}, nil
}

// hashOf digests the exported part of a configuration: lines and file names do not count.
func hashOf(c Config) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("mapping: " + err.Error()) // strings, numbers and lists always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func (b *compiler) topics(topics []Topic) {
	b.out.other = b.topic(Topic{}, "")
	for i := range topics {
		t := b.topic(topics[i], topics[i].path(i)+".envelope.")
		b.out.listed = append(b.out.listed, t)
		if t.regexp != nil {
			if slices.ContainsFunc(topics[:i], func(other Topic) bool { return other.Pattern == topics[i].Pattern }) {
				b.Add(topics[i].Pos.With(topics[i].path(i)), "has the pattern of another one: leave one of them out")
			}
			continue
		}
		if b.out.topics[t.pattern] != nil {
			b.Add(topics[i].Pos.With(topics[i].path(i)), "is named twice: leave one of them out")
		}
		b.out.topics[t.pattern] = t
	}
}

func (b *compiler) topic(t Topic, where string) *topic {
	out := &topic{pattern: t.Name, forms: t.Forms(), onNull: t.OnNull}
	if t.Pattern != "" {
		out.regexp, _ = topicpattern.Compile(t.Pattern) // validate tells of its mistakes
	}
	e := t.Envelope
	switch {
	case e.Name == cloudEventsEnvelope:
		e = b.cloudEvents(&out.envelope, e)
	default:
		out.envelope.builtIn, e = b.builtIn(e)
	}
	out.envelope.zone, out.envelope.timeElse = e.location(), e.TimeElse
	if e.Name == debeziumEnvelope && t.OnNull == "" {
		out.onNull = Skip // a tombstone follows every deletion
	}
	out.envelope.typ = b.program(e.Type, where+"type")
	out.envelope.time = b.program(e.Time, where+"time")
	out.envelope.id = b.program(e.ID, where+"id")
	out.envelope.from = b.inside(t.Envelope.From, where+"from")
	out.envelope.each = b.inside(e.Each, where+"each")
	b.checkShared(out, e.ID.Pos.With(where+"id"))
	return out
}

func (b *compiler) rules(rules []Rule) {
	names := map[string]Position{}
	for i := range rules {
		r := &rules[i]
		if r.Name == "" {
			b.Add(r.place("name"), "is missing: name the rule")
		}
		if other, taken := names[r.Name]; taken {
			b.Add(r.place("name"), "is the name of the rule in %s, too; it identifies the calls: give another", other)
		}
		names[r.Name] = r.Pos
		b.out.rules, b.out.policies[r.Name] = append(b.out.rules, b.rule(r)), r.Brakes.Policy()
	}
}

func (b *compiler) rule(r *Rule) *rule {
	b.scope = b.scopeOf(r.Define)
	out := b.newRule(r)
	if len(r.Event) == 0 || slices.Contains(r.Event, "") {
		b.Add(r.place("event"), "is missing or empty: name the types of events, such as order.placed")
	}
	for i, pattern := range r.Event {
		if odd := foreign.Pattern(pattern); odd != "" {
			b.warn(r.EventPos.With(r.place(indexed("event", i)).Path), odd)
		}
	}
	if len(r.Do) == 0 {
		b.Add(r.place("do"), "is missing or empty: say what becomes of the event")
	}
	at := func(field string) string { return r.place(field).Path }
	out.cond = b.program(r.If, at("if"))
	out.time = b.program(r.Time, at("time"))
	out.id = b.program(r.ID, at("id"))
	if path := programText(out.id); isOfRecord(path) && slices.ContainsFunc(b.out.listed, (*topic).holdsLists) {
		b.warn(r.place("id"), path+" is the same for all events of a list, which Customer.io would take for one")
	}
	for i, v := range r.Require {
		if p := b.program(v, at(indexed("require", i))); p != nil {
			out.require = append(out.require, p)
		}
	}
	b.checkWorkspace(r.Workspace, r.place("workspace"))
	out.self = &action{key: keyOf(r.IDScope, r.Name, "")}
	out.self.Rule = r.Name
	if t := b.tooLate; t.Then != "" {
		out.late = late.New(cmp.Or(t.After, customerio.TriggerWindow), t.Then == Skip, t.Then == DeadLetter)
	}
	b.steps(r, out)
	return out
}

// steps compiles the steps of a rule.
func (b *compiler) steps(r *Rule, out *rule) {
	steps := r.steps()
	names := callNames(steps)
	out.calls = names
	made := make([]*action, len(steps))
	for i, step := range steps {
		if slices.Index(names, names[i]) < i {
			b.Add(step.Pos.With(step.where), "the call's name %q is taken; give it another with call:", names[i])
		}
		if step.Choice != nil {
			made[i] = b.choice(r, step, names[i])
			out.steps = append(out.steps, made[i])
			continue
		}
		a := b.action(r, step, names[i])
		a.counts = out.counts
		a.watch(&r.Brakes)
		if a.op.Timestamp == customerio.EventTime || a.op.Once {
			a.late = out.late
		}
		out.actions = append(out.actions, a)
		if made[i] = a; step.in == nil {
			out.steps = append(out.steps, a)
			if len(step.Is) > 0 {
				b.Add(step.Pos.With(step.where+".is"), "is for the steps of any_of: leave it out")
			}
		} else {
			b.alternative(made[step.of], step, a)
		}
	}
	for i, step := range steps {
		if step.Choice != nil {
			b.otherwise(made[i], step)
		}
	}
}

// index makes the table by which an event finds its rules.
func (b *compiler) index() {
	for _, r := range b.out.rules {
		glob := false
		for _, p := range r.patterns {
			if strings.Contains(p, "*") {
				glob = true
			} else if b.out.exact[p] == nil {
				b.out.exact[p] = b.rulesFor(p)
			}
		}
		if glob {
			b.out.globs = append(b.out.globs, r)
		}
	}
}

func (b *compiler) rulesFor(typ string) []*rule {
	var out []*rule
	for _, r := range b.out.rules {
		if r.names([]byte(typ)) {
			out = append(out, r)
		}
	}
	return out
}

// workspace finds to which workspace the call goes: its step's, that of the choice which it belongs to, or its rule's.
func (c *actionCompiler) workspace() {
	c.checkWorkspace(c.from.Workspace, c.from.Pos.With(mistake.Join(c.where, "workspace")))
	name := cmp.Or(c.from.Workspace, c.in.Workspace, c.rule.Workspace)
	if name == "" {
		return
	}
	i := slices.Index(c.compiler.workspaces, name)
	c.out.workspace = event.Lane(0).Of(name)
	c.out.number, c.out.Workspace = i+1, name
	c.out.Destination = event.Destination(customerio.Batch.In(c.out.number))
}

// checkWorkspace notes a name that no workspace has.
func (b *compiler) checkWorkspace(name string, at Position) {
	switch {
	case name == "" || slices.Contains(b.workspaces, name):
	case len(b.workspaces) == 0:
		b.Add(at, "no workspace has this name; customerio.workspaces names none")
	default:
		b.Add(at, "no workspace has this name%s; customerio.workspaces has %s", choice.Near(name, b.workspaces),
			choice.And(b.workspaces))
	}
}
