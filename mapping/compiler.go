package mapping

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/foreign"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

func quoted(name string) string {
	if name == "" {
		return "without a name"
	}
	return strconv.Quote(name)
}

func indexed(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

// variables are what all programs may use.
var variables = []string{"message", "change", "record"}

// compiler turns settings into rules and collects the mistakes.
type compiler struct {
	mistake.List // what is wrong, so that all of it can be mended at once
	out          *compiled
	actions      []*actionCompiler // of all rules
	workspaces   []string          // their names, but for the first
	allow        []string
	onInvalid    Policy
	tooLate      TooLate
	taken        func(name string) string // see Config

	shared  scope            // of all programs
	scope   scope            // of the programs that are being compiled
	inFiles map[string]scope // by the source of a file's definitions
}

// scope is the functions that programs may call beside jq's own. In one whose definitions have a mistake no program is
// compiled: what would be wrong with it is that mistake once more.
type scope struct {
	defs   *expr.Definitions
	broken bool
}

// define adds definitions to a scope.
func (b *compiler) define(outer scope, d Definitions) scope {
	if outer.broken || d.Source == "" {
		return outer
	}
	defs, warnings, err := expr.Define(d.Source, outer.defs, variables...)
	at := d.Pos
	var placed *expr.CompileError
	if errors.As(err, &placed) {
		at.Line, at.Column = at.Line+placed.Line(), 0
	}
	if err != nil {
		b.Add(at.With("define"), "%w", err)
	}
	for _, warning := range warnings {
		b.warn(d.Pos.With("define"), warning)
	}
	return scope{defs, err != nil}
}

// scopeOf is the scope of a file, which its rules have in common.
func (b *compiler) scopeOf(d Definitions) scope {
	s, known := b.inFiles[d.Source]
	if !known {
		s = b.define(b.shared, d)
		b.inFiles[d.Source] = s
	}
	return s
}

// program compiles an expression that stands in the field with a path. It is nil where nothing was written or a mistake
// was noted.
func (b *compiler) program(v Term, where string, vars ...string) *expr.Program {
	return b.programIn(b.out.set, v, where, vars...)
}

// programIn is program for an expression that does not run on the documents that rules see.
func (b *compiler) programIn(set *expr.Set, v Term, where string, vars ...string) *expr.Program {
	if v.IsZero() {
		return nil
	}
	if v.Program == "" {
		b.Add(v.Pos.With(where), "want an expression, found the literal %s", v.Literal)
		return nil
	}
	if b.scope.broken {
		return nil
	}
	p, err := set.CompileWith(b.scope.defs, v.Program, append(vars, variables...)...)
	odd := foreign.Program(v.Program)
	switch {
	case err != nil && odd != "":
		b.Add(v.Pos.With(where), "%w; %s", err, odd)
		return nil
	case err != nil:
		b.Add(v.Pos.With(where), "%w", err)
		return nil
	case odd != "":
		b.warn(v.Pos.With(where), odd)
	}
	for _, warning := range p.Warnings() {
		b.warn(v.Pos.With(where), warning)
	}
	return p
}

func (b *compiler) warn(at Position, text string) {
	b.out.warnings = append(b.out.warnings, mistake.New(at, "%s", text))
}

// inside compiles the program of an envelope that finds something within a record; nil for none.
func (b *compiler) inside(t Term, where string) *inside {
	in := &inside{set: expr.NewSet()}
	if in.prog = b.programIn(in.set, t, where); in.prog == nil {
		return nil
	}
	path, ok := strings.CutSuffix(in.prog.String(), "[]")
	if ok {
		if list, err := in.set.Compile(path); err == nil && list.Path() != "" {
			in.list = list
		}
	}
	in.names = memberNames(path)
	in.set.Seal()
	return in
}

var plainPath = regexp.MustCompile(`^\.([A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?$`)

// memberNames are the names of which a path consists; nil where it has anything else.
func memberNames(path string) []string {
	if !plainPath.MatchString(path) {
		return nil
	}
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' })
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

// timestamps has the calls that carry a timestamp of their own counted together, and warns where others for the same
// persons, who are others in each workspace, carry none: for Customer.io those are changes of the moment in which they
// arrive.
func (b *compiler) timestamps() {
	all := &latest{}
	without := map[string]string{} // by workspace, the rule
	for _, c := range b.actions {
		switch workspace := c.out.Workspace; {
		case c.out.op.Field(customerio.TimestampField) == nil:
		case c.from.Timestamp.IsZero() && without[workspace] == "":
			without[workspace] = c.rule.Name
		case !c.from.Timestamp.IsZero():
			c.out.latest = all
		}
	}
	for _, c := range b.actions {
		if other := without[c.out.Workspace]; c.out.latest != nil && other != "" {
			b.out.warnings = append(b.out.warnings, mistake.New(c.from.Timestamp.Pos.With(c.where+".timestamp"),
				"the identify of rule %s carries none, which is a change of the moment in which it arrives: of the "+
					"persons whom both are about Customer.io ignores calls with an older timestamp; give it one, too",
				quoted(other)))
		}
	}
}

// repeats compiles what a step says of when it is taken, and how often.
func (c *actionCompiler) repeats() {
	c.out.each = c.program(c.from.Each, c.where+".each")
	if !c.from.Each.IsZero() || !c.in.Each.IsZero() {
		c.vars = []string{"item"}
	}
	c.out.cond = c.program(c.from.If, c.where+".if", c.vars...)
	checkPolicy(&c.List, c.from.Pos.With(c.where+".on_invalid"), c.from.OnInvalid, DeadLetter, LeaveOut, Truncate)
}

// checkShared refuses an identity that the events of a record have in common.
func (b *compiler) checkShared(t *topic, at Position) {
	program := programText(t.envelope.id)
	if !t.holdsLists() || !isOfRecord(program) {
		return
	}
	text := strings.TrimSuffix(strings.TrimPrefix(program, `"`), `"`)
	if text == program {
		text = `\(` + program + `)`
	}
	b.Add(at, "%s is the same for all events of a record, so that Customer.io would take them for one: "+
		"want an id of the event, or \"%s-\\($message.index)\"", program, text)
}

// holdsLists reports whether records of the topic are said to hold several events.
func (t *topic) holdsLists() bool { return t.envelope.each != nil && !t.envelope.batch }

// isOfRecord reports whether a program is a path that leads to something that the events of a record have in common, or
// a text that is made of such paths alone.
func isOfRecord(program string) bool {
	paths := interpolated.FindAllStringSubmatch(program, -1)
	if len(paths) == 0 {
		return recordPath.MatchString(program) && program != "$message.index"
	}
	for _, path := range paths {
		if !recordPath.MatchString(path[1]) || path[1] == "$message.index" {
			return false
		}
	}
	return strings.HasPrefix(program, `"`) && strings.Count(program, `\(`) == len(paths)
}

var (
	interpolated = regexp.MustCompile(`\\\( *([^() ]*) *\)`)
	recordPath   = regexp.MustCompile(`^\$(record|message)([.[][^ |,+]*)?$`)
)

// carriers names the actions whose person may be named by an identifier of a kind.
func carriers(kind customerio.Identifier) string {
	var actions []string
	for _, a := range customerio.Actions() {
		if op := a.Operation(); op.Field(customerio.PersonField).Takes(kind) {
			actions = append(actions, op.Name)
		}
	}
	return choice.And(actions)
}
