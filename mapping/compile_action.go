package mapping

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

func itoa(n int) string { return strconv.Itoa(n) }

func indexed(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

// actionCompiler knows where in the settings a call stands.
type actionCompiler struct {
	*compiler
	rule  *Rule
	from  *Action
	where string // rule and call, for errors
	vars  []string
	out   *action
}

func (b *compiler) action(r *Rule, i int, call string) *action {
	from := &r.Do[i]
	op := from.Action.Operation()
	c := &actionCompiler{compiler: b, rule: r, from: from, out: &action{
		Step:    event.Step{Rule: r.Name, Call: call, Action: op.Name, Repeatable: op.Event},
		action:  from.Action,
		op:      op,
		allowed: !op.Destructive || slices.Contains(b.allow, op.Name),
		key:     keyOf(r.IDScope, r.Name, call),
	}}
	c.where = fmt.Sprintf("rule %s: do[%d]", quoted(r.Name), i)
	if from.Action == 0 {
		c.mistake("names no action")
		return c.out
	}
	if !c.out.allowed {
		c.warn("%s is not allowed: its calls become dead letters until allow names it", op.Name)
	}
	c.out.each = c.program(from.Each, c.where+".each")
	if !from.Each.IsZero() {
		c.vars = []string{"item"}
	}
	c.out.cond = c.program(from.If, c.where+".if", c.vars...)
	c.where += "." + op.Name
	c.person()
	if op.Event {
		c.name()
	}
	c.fields()
	c.removals()
	return c.out
}

func (c *actionCompiler) mistake(format string, args ...any) {
	c.mistakeAt(c.from.Pos, format, args...)
}

func (c *actionCompiler) mistakeAt(pos Position, format string, args ...any) {
	c.add("%s%s: %s", pos.Prefix(), c.where, fmt.Sprintf(format, args...))
}

func (c *actionCompiler) warn(format string, args ...any) {
	c.compiler.out.warnings = append(c.compiler.out.warnings,
		fmt.Sprintf("%s%s: %s", c.from.Pos.Prefix(), c.where, fmt.Sprintf(format, args...)))
}

func (c *actionCompiler) person() {
	if len(c.from.Person) == 0 {
		c.mistake("person is missing")
	}
	for _, p := range c.from.Person {
		if p.Kind == customerio.AnonymousID && !c.out.op.Event {
			c.mistakeAt(p.Value.Pos, "person: an anonymous_id carries only track, pageview and screen; name the person by id, email, phone or cio_id")
		}
		prog := c.program(p.Value, c.where+".person", c.vars...)
		c.out.person = append(c.out.person, person{p.Kind, prog, customerio.AppendItem(nil, c.out.action, p.Kind)})
	}
}

// value compiles a program, or parses a literal.
func (c *actionCompiler) value(v Term, where string) term {
	if v.Program != "" {
		return term{prog: c.program(v, c.where+"."+where, c.vars...)}
	}
	return term{literal: literalValue(v.Literal)}
}

func literalValue(text string) expr.Value {
	if text == "" {
		return expr.Value{}
	}
	kind := expr.Number
	switch text[0] {
	case '"':
		kind = expr.String
	case 't':
		kind = expr.True
	case 'f':
		kind = expr.False
	}
	return expr.Value{Kind: kind, Raw: []byte(text)}
}

func (c *actionCompiler) name() {
	if c.from.Name.IsZero() {
		c.mistake("name is missing")
		return
	}
	c.out.name = c.value(c.from.Name, "name")
	if c.out.name.prog == nil && c.from.Name.Program == "" {
		name, problem := new(state).appendName(nil, c.out, c.out.name.literal)
		if problem != "" {
			c.mistakeAt(c.from.Name.Pos, "name: %s", problem)
		}
		c.out.name.literal.Raw = name
		c.out.named = append(customerio.AppendMember(nil, "name"), name...)
		c.forgottenDot("name", c.from.Name.Literal, true)
	}
}

// reservedRoles are the attributes to which Customer.io gives a meaning.
var reservedRoles = map[string]role{
	"id": identifier, "email": identifier, "phone": identifier, "anonymous_id": identifier,
	"created_at": unixTime, "unsubscribed": truthValue, "_update": truthValue,
}

func (c *actionCompiler) fields() {
	parent := "attributes"
	if c.out.op.Event {
		parent = "data"
	}
	if len(c.from.Fields)+len(c.from.Remove) > customerio.MaxAttributes && !c.out.op.Event {
		c.mistake("sets and removes %d attributes; Customer.io takes %d in one call", len(c.from.Fields)+len(c.from.Remove), customerio.MaxAttributes)
	}
	for _, from := range c.from.Fields {
		f := field{name: parent + "." + from.Name, role: eventData, member: append([]byte(jsontext.Of(from.Name)), ':')}
		if from.Name == "" {
			c.mistakeAt(from.Value.Pos, "%s: a name is empty", parent)
		}
		if !c.out.op.Event {
			f.role = reservedRoles[from.Name]
			f.kind = customerio.ParseIdentifier(from.Name)
			c.attributeName(from.Name, from.Value.Pos)
		}
		f.value = c.value(from.Value, f.name)
		c.literalField(&f, from.Value)
		c.out.fields = append(c.out.fields, f)
	}
}

func (c *actionCompiler) literalField(f *field, v Term) {
	if v.Program != "" {
		return
	}
	if f.role != eventData {
		if problem := (&state{reserved: c.compiler.out.reserved}).personAttribute(f, f.value.literal, 0); problem != nil {
			c.mistakeAt(v.Pos, "%s: %s", f.name, problem.detail)
		}
	}
	c.forgottenDot(f.name, v.Literal, false)
}

// attributeName refuses names that Customer.io would ignore, or take for something else, without an error.
func (c *actionCompiler) attributeName(name string, pos Position) {
	problem := ""
	switch {
	case name == "cio_id" || name == "_created_in_customerio_at":
		problem = "is given by Customer.io and cannot be set"
	case name == "cio_relationships":
		problem = "is not an attribute: relationships are calls of their own, which this version does not make"
	case name == "_timestamp":
		problem = "is not an attribute: the bridge keeps the order of calls, and sets the time itself on replay"
	case strings.HasPrefix(name, "_") && name != "_update":
		problem = "begins with an underscore, which Customer.io reserves"
	case len(name) > customerio.MaxAttributeNameBytes:
		problem = fmt.Sprintf("is longer than %d bytes", customerio.MaxAttributeNameBytes)
	}
	if problem != "" {
		c.mistakeAt(pos, "attributes.%s: the name %s", name, problem)
	}
}

// removals writes the members that erase attributes. A null removes an attribute; an empty string would as well.
func (c *actionCompiler) removals() {
	for i, name := range c.from.Remove {
		set := slices.ContainsFunc(c.from.Fields, func(f Field) bool { return f.Name == name })
		switch {
		case name == "":
			c.mistake("remove[%d]: a name is empty", i)
		case name == "id" || name == "_update":
			c.mistake("remove[%d]: %s cannot be removed", i, name)
		case set:
			c.mistake("remove[%d]: %s is set by the same call", i, name)
		case slices.Index(c.from.Remove, name) < i:
			c.mistake("remove[%d]: %s is there twice", i, name)
		}
		c.attributeName(name, c.from.Pos)
		c.out.removed = append(c.out.removed, jsontext.Of(name)...)
		c.out.removed = append(c.out.removed, ":null,"...)
	}
}

var (
	dottedPattern = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$`)
	pathPattern   = regexp.MustCompile(`^(data|item|message)\.`)
)

// forgottenDot warns of a literal that reads like a path. Names of events have dots of their own, so there only the usual
// beginnings of paths are suspicious.
func (c *actionCompiler) forgottenDot(where, literal string, isName bool) {
	var text string
	if json.Unmarshal([]byte(literal), &text) != nil || !dottedPattern.MatchString(text) {
		return
	}
	if !isName || pathPattern.MatchString(text) {
		c.warn("%s: %q is a literal text; for the event's value write .%s", where, text, text)
	}
}
