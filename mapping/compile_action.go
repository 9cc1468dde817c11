package mapping

import (
	"cmp"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/foreign"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// actionCompiler knows where in the settings a call stands.
type actionCompiler struct {
	*compiler
	rule  *Rule
	from  *Action
	in    Action // the choice that it belongs to; of none it says nothing
	where string // the path of the action, for mistakes
	vars  []string
	out   *action
}

func (b *compiler) action(r *Rule, step written, call string) *action {
	from := withAttributes(*step.Action)
	op := from.Action.Operation()
	c := &actionCompiler{compiler: b, rule: r, from: from, where: step.where, out: &action{
		Step: event.Step{Rule: r.Name, Call: call, Action: op.Name, Repeatable: op.Repeatable,
			Once: op.Once, Fence: fences[from.Action], Revives: r.Revives},
		op:      op,
		allowed: !op.Destructive || slices.Contains(b.allow, op.Name),
		key:     keyOf(r.IDScope, r.Name, call),
	}}
	if step.in != nil {
		c.in = *step.in
	}
	b.actions = append(b.actions, c)
	c.workspace()
	if from.Action == 0 {
		c.wrong("", "names no action")
		return c.out
	}
	if erases := fences[from.Action]; r.Revives && (erases == event.DeleteFence || erases == event.SuppressFence) {
		c.wrong("", "%s erases the person, and revive: true of its rule brings them back: use two rules", op.Name)
	}
	if !c.out.allowed {
		c.warn("", "%s is not allowed: its calls become dead letters until allow names it", op.Name)
	}
	c.repeats()
	c.out.onInvalid = cmp.Or(from.OnInvalid, c.in.OnInvalid, b.onInvalid)
	c.where += "." + op.Name
	operands := map[*customerio.Field]operand.Operand{}
	for i := range op.Fields {
		if o := c.field(&op.Fields[i]); o != nil {
			operands[&op.Fields[i]] = o
		}
	}
	c.withoutField(op)
	c.compose(operands)
	c.request(op)
	return c.out
}

// fences are what actions do to the erasure fence of their person.
var fences = map[customerio.Action]event.Fence{
	customerio.Delete: event.DeleteFence, customerio.Suppress: event.SuppressFence,
	customerio.Unsuppress: event.LiftFence,
}

// wrong notes a mistake in a field of the action that has no place of its own, or in the action itself.
func (c *actionCompiler) wrong(field, format string, args ...any) {
	c.wrongAt(c.from.Pos, field, format, args...)
}

func (c *actionCompiler) wrongAt(pos Position, field, format string, args ...any) {
	c.Add(pos.With(mistake.Join(c.where, field)), format, args...)
}

func (c *actionCompiler) warn(field, format string, args ...any) {
	c.compiler.out.warnings = append(c.compiler.out.warnings,
		mistake.New(c.from.Pos.With(mistake.Join(c.where, field)), format, args...))
}

// field compiles what a rule writes under one key of the action.
func (c *actionCompiler) field(f *customerio.Field) operand.Operand {
	switch f.Kind {
	case customerio.PersonField:
		c.person(f)
	case customerio.NameField:
		c.name(f)
	case customerio.AttributesField, customerio.DataField:
		c.values(f)
	case customerio.ExceptField:
		c.except(f)
	case customerio.RemovalsField:
		c.removals()
	case customerio.TimestampField:
		c.timestamp(f)
	case customerio.RequestField: // they are compiled together
	default:
		return c.operand(f)
	}
	return nil
}

// withoutField refuses what a program wrote where the operation has no field for it. It would be left out in silence.
func (c *actionCompiler) withoutField(op *customerio.Operation) {
	has := func(kind customerio.FieldKind) bool { return op.Field(kind) != nil }
	if !c.from.Name.IsZero() && !has(customerio.NameField) {
		c.wrong("name", "this action takes none: leave it out")
	}
	if len(c.from.Fields) > 0 && !has(customerio.AttributesField) && !has(customerio.DataField) {
		c.wrong("", "takes neither attributes nor data")
	}
	if len(c.from.Except) > 0 && !has(customerio.ExceptField) {
		c.wrong("except", "this action sends no objects: leave it out")
	}
	if len(c.from.Remove) > 0 && !has(customerio.RemovalsField) {
		c.wrong("", "takes no attributes to remove")
	}
	if f := op.Field(customerio.AttributesField); len(c.from.Erase) > 0 && (f == nil || f.Texts) {
		c.wrong("", "sets no attributes that erase could erase")
	}
	c.withoutOperand(op)
	if !c.from.Timestamp.IsZero() && !has(customerio.TimestampField) {
		c.wrong("timestamp", "this action takes none; the time of an event is the rule's time")
	}
}

func (c *actionCompiler) person(f *customerio.Field) {
	c.out.personField = f
	if len(c.from.Person) == 0 && f.Required {
		c.wrong(f.Key, "is missing")
	}
	for _, p := range c.from.Person {
		switch {
		case f.Takes(p.Kind):
		case p.Kind != customerio.AnonymousID:
			c.wrongAt(p.Value.Pos, f.Key, "the person cannot be named by %s here; want %s", p.Kind,
				choice.List(f.IdentifierNames()))
		default:
			c.wrongAt(p.Value.Pos, f.Key, "an %s carries only %s; name the person by %s",
				p.Kind, carriers(p.Kind), choice.List(f.IdentifierNames()))
		}
		prog := c.program(p.Value, c.where+"."+f.Key, c.vars...)
		head := c.out.op.AppendItem
		if c.composes() {
			head = f.AppendPerson
		}
		c.out.person = append(c.out.person, person{p.Kind, prog, head(nil, p.Kind)})
	}
}

// invalid decides what becomes of a field's value that does not fit: as the field says, or its step, or the
// configuration, and else as it is required. A value is required where its field says so, or where the rule requires
// what the same program gives; that is never left out, but a text may be cut. Whether a person may be written to is not
// left out unless somebody says so.
func (c *actionCompiler) invalid(f *field, from *Field) {
	where := c.where + "." + f.name
	checkPolicy(&c.List, from.Value.Pos.With(where+".on_invalid"), from.OnInvalid, DeadLetter, LeaveOut, Truncate)
	f.required = from.Required
	f.room = c.out.values.MaxEntries
	if f.room == 0 {
		f.room = math.MaxInt
	}
	policy := cmp.Or(from.OnInvalid, c.out.onInvalid)
	if from.Required && from.OnInvalid == LeaveOut {
		c.wrongAt(from.Value.Pos, f.name, "is required, and on_invalid leaves it out: take one of them away")
	}
	path, _, _ := strings.Cut(from.Value.Program, "|") // what a path leads to and what unix makes of it are one value
	asked := from.Required || slices.ContainsFunc(c.rule.Require, func(v Term) bool {
		return v.Program != "" && (v.Program == from.Value.Program || v.Program == strings.TrimSpace(path))
	})
	f.cuts = policy == Truncate
	f.told = policy != ""
	f.strict = policy == DeadLetter || asked && from.OnInvalid != LeaveOut ||
		!f.told && (f.kind.IsConsent() || f.steers)
	if f.strict {
		f.room = math.MaxInt // all are counted at the end
	}
}

// value compiles a program, or parses a literal.
func (c *actionCompiler) value(v Term, where string) term {
	if v.Program != "" {
		return term{prog: c.program(v, c.where+"."+where, c.vars...)}
	}
	return term{literal: literalValue(v.Literal)}
}

func (c *actionCompiler) name(f *customerio.Field) {
	if c.from.Name.IsZero() {
		c.wrong(f.Key, "is missing")
		return
	}
	c.out.nameField = f
	c.out.name = c.value(c.from.Name, f.Key)
	if c.out.name.prog == nil && c.from.Name.Program == "" {
		name, problem := new(state).appendName(nil, c.out, c.out.name.literal)
		if problem != "" {
			c.wrongAt(c.from.Name.Pos, f.Key, "%s", problem)
		}
		c.out.name.literal.Raw = name
		c.out.named = append(f.AppendMember(nil), name...)
		c.forgottenDot(f.Key, c.from.Name.Literal, true)
	}
}

var (
	dottedPattern = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$`)
	pathPattern   = regexp.MustCompile(`^(data|item|message)\.`)
)

// forgottenDot warns of a literal that reads like a path, or like something of another language. Names of events have
// dots of their own, so there only the usual beginnings of paths are suspicious.
func (c *actionCompiler) forgottenDot(where, literal string, isName bool) {
	var text string
	if json.Unmarshal([]byte(literal), &text) != nil {
		return
	}
	if odd := foreign.Text(text); odd != "" {
		c.warn(where, "%s", odd)
	}
	if !dottedPattern.MatchString(text) {
		return
	}
	if !isName || pathPattern.MatchString(text) {
		c.warn(where, "%q is a literal text; for the event's value write .%s", text, text)
	}
}

// timestamp compiles what identify says of the time of its attributes.
func (c *actionCompiler) timestamp(f *customerio.Field) {
	switch v := c.from.Timestamp; {
	case v.IsZero():
	case v.Literal == EventTime:
		c.out.eventTime = true
	case v.Program == "":
		c.wrongAt(v.Pos, f.Key, "want the word event, for the event's time, or an expression that gives a time")
	default:
		c.out.timestamp = c.program(v, c.where+"."+f.Key, c.vars...)
	}
}
