package mapping

import (
	"net/http"
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// A part appends one part of a call that has more than a person, a name and values.
type part func(s *state, a *action) *problem

// composer joins the parts of an action's calls when the rules are compiled.
type composer struct {
	*actionCompiler
	operands map[*customerio.Field]operand.Operand // by their fields; none for those that the rule leaves out
	within   string                                // the member in whose object the next part stands
	began    bool                                  // something stands in it
	told     bool                                  // id and time of an event are written
}

// composes reports whether calls of the action are made of parts.
func (c *actionCompiler) composes() bool {
	op := c.out.op
	return op.Path != "" || op.EventName() != "" || len(c.from.Relationships) > 0 || slices.ContainsFunc(op.Fields,
		func(f customerio.Field) bool {
			return f.Kind == customerio.ObjectField || f.Kind == customerio.ValueField ||
				f.Kind == customerio.OtherPersonField
		})
}

// compose makes the parts, in the order of the operation's fields.
func (c *actionCompiler) compose(operands map[*customerio.Field]operand.Operand) {
	if !c.composes() {
		return
	}
	b := &composer{actionCompiler: c, operands: operands}
	op := c.out.op
	b.text(string(op.AppendHead(nil)))
	c.out.paths = c.pathsOf(op)
	for i := range op.Fields {
		b.field(&op.Fields[i])
	}
	b.enter("")
	if !op.Shared {
		b.text("}")
	}
}

func (b *composer) add(p part) {
	b.out.parts = append(b.out.parts, p)
	b.began = true
}

func (b *composer) text(text string) {
	b.add(func(s *state, _ *action) *problem {
		s.body = append(s.body, text...)
		return nil
	})
}

// enter closes the object that is open, and opens another one.
func (b *composer) enter(within string) {
	if within == b.within {
		return
	}
	if b.within != "" {
		b.text("}")
	}
	if b.within = within; within != "" {
		b.text(`,"` + within + `":{`)
		b.began = false
	}
}

func (b *composer) field(f *customerio.Field) {
	out, op := b.out, b.out.op
	switch f.Kind {
	case customerio.PersonField:
		b.enter(f.Within())
		b.add((*state).personPart)
		if op.Field(customerio.NameField) == nil {
			b.tell()
		}
	case customerio.NameField:
		b.add(func(s *state, a *action) *problem {
			_, p := s.name(a)
			return p
		})
		b.tell()
	case customerio.AttributesField, customerio.DataField:
		b.enter(f.Within())
		if len(out.fields)+len(out.removed) == 0 {
			return
		}
		if f.Member() == "" {
			out.opening, b.within = []byte(","), "" // the values close the object in which they stand
		}
		b.add(func(s *state, a *action) *problem {
			_, p := s.fields(a, s.writer.From)
			return p
		})
	default:
		if o := b.operands[f]; o != nil {
			if f.Kind == customerio.ValueField && !f.InPath {
				b.enter(f.Within())
			} else if f.Kind != customerio.ValueField {
				b.enter("")
			}
			b.add(func(s *state, a *action) *problem { return s.operand(a, o) })
		}
	}
}

// tell writes what all events have: a name that does not change, the identity and the time. An identify has the time.
func (b *composer) tell() {
	op := b.out.op
	if b.told || op.Timestamp == customerio.NoTime {
		return
	}
	b.told = true
	b.enter("")
	if name := op.EventName(); name != "" {
		b.text(`,"name":` + jsontext.Of(name))
	}
	b.add(func(s *state, a *action) (p *problem) {
		if a.op.Repeatable {
			s.body = append(s.id.AppendTo(append(s.body, `,"id":"`...)), '"')
		}
		s.stamped, p = s.timestamp(a)
		return p
	})
}

// operands compiles what package operand knows, and what is built on it.
func (c *actionCompiler) operands() *operand.Compiler {
	return &operand.Compiler{Program: c.program, Where: c.where, Vars: c.vars, Reserved: c.compiler.out.reserved,
		Wrong: func(pos mistake.Place, where, format string, args ...any) {
			if pos.Line == 0 {
				pos = c.from.Pos
			}
			c.wrongAt(pos, where, format, args...)
		}}
}

// operand compiles what a rule says under a key that package operand knows.
func (c *actionCompiler) operand(f *customerio.Field) operand.Operand {
	o := c.operands()
	switch f.Kind {
	case customerio.OtherPersonField:
		c.apart(f)
		return o.Person(f, f.Key, c.from.Secondary)
	case customerio.ObjectField:
		return o.Object(f, f.Key, c.from.Object)
	case customerio.RelationshipsField:
		if f.Required || len(c.from.Relationships) > 0 {
			return o.Relationships(f, c.from.Relationships)
		}
	case customerio.ValueField:
		return o.Value(f, c.out.op.Fields, c.from.Values)
	}
	return nil
}

// pathsOf are the requests of an operation by the kind of the person's identifier, where their path does not depend on
// an event.
func (c *actionCompiler) pathsOf(op *customerio.Operation) (out []*event.Request) {
	if op.Path == "" {
		return nil
	}
	value := []byte(nil)
	for i := range op.Fields {
		if f := &op.Fields[i]; f.InPath {
			j := slices.IndexFunc(c.from.Values, func(v Value) bool { return v.Key == f.Key })
			if j < 0 || c.from.Values[j].Value.Program != "" {
				return nil
			}
			value = literalText(c.from.Values[j].Value)
		}
	}
	for kind := range customerio.AnonymousID + 1 {
		out = append(out, &event.Request{Method: http.MethodPost, Path: op.RequestPath(value, kind),
			Destination: event.Destination(op.Endpoints[0].In(c.out.number)), Shared: op.Shared})
	}
	return out
}

// literalText is the text of a literal.
func literalText(t Term) []byte {
	v := literalValue(t.Literal)
	if v.Kind == expr.String {
		return v.AppendString(nil)
	}
	return v.Raw
}

// withoutOperand refuses what a program wrote where the operation has no field for it.
func (c *actionCompiler) withoutOperand(op *customerio.Operation) {
	for _, given := range []struct {
		kind customerio.FieldKind
		is   bool
		key  string
	}{
		{customerio.PersonField, len(c.from.Person) > 0, "person"},
		{customerio.OtherPersonField, len(c.from.Secondary) > 0, "secondary"},
		{customerio.ObjectField, !c.from.Object.IsZero(), "object"},
		{customerio.RelationshipsField, len(c.from.Relationships) > 0, "relationships"},
		{customerio.TopicsField, len(c.from.Topics) > 0, "topics"},
		{customerio.UpdateOnlyField, !c.from.UpdateOnly.IsZero(), "update_only"},
	} {
		if given.is && op.Field(given.kind) == nil {
			c.wrong(given.key, "this action takes none: leave it out")
		}
	}
	for _, v := range c.from.Values {
		known := func(f customerio.Field) bool { return f.Kind == customerio.ValueField && f.Key == v.Key }
		if !slices.ContainsFunc(op.Fields, known) {
			c.wrong(v.Key, "this action takes none: leave it out")
		}
	}
}

// besidePerson keeps what names the person out of the values that stand in the same object.
func (c *actionCompiler) besidePerson(f *customerio.Field) {
	who := c.out.op.Field(customerio.PersonField)
	taken := who.IdentifierNames()
	if who.Member() != "" {
		taken = []string{who.Member()}
	}
	for _, name := range taken {
		c.leaveOut(name)
		for i := range c.from.Fields {
			if from := &c.from.Fields[i]; !from.Whole && from.Name == name {
				c.wrongAt(from.Value.Pos, f.Key+"."+name, "names the person, which %s does: leave it out", who.Key)
			}
		}
	}
}
