package operand

import (
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"slices"
	"strconv"
)

// Compiler makes operands of what rules say, and notes what is wrong with that.
type Compiler struct {
	// Program compiles an expression that stands in the field with a path. It gives nil where it noted a mistake.
	Program func(t Term, where string, vars ...string) *expr.Program
	// Wrong notes a mistake. Where is a path below that of the action, and pos may be zero.
	Wrong func(pos mistake.Place, where, format string, args ...any)

	Where    string   // the path of the action
	Vars     []string // that its programs may use
	Reserved *customerio.Reserved
}

// literal is the value of a literal.
func literal(t Term) expr.Value {
	kinds := map[byte]expr.Kind{'"': expr.String, 't': expr.True, 'f': expr.False, '{': expr.Object, '[': expr.Array,
		'n': expr.Null}
	if t.Literal == "" {
		return expr.Value{}
	}
	kind, ok := kinds[t.Literal[0]]
	if !ok {
		kind = expr.Number
	}
	return expr.Value{Kind: kind, Raw: []byte(t.Literal)}
}

func (c *Compiler) term(t Term, where string, vars ...string) term {
	if t.Program != "" {
		return term{prog: c.Program(t, c.Where+"."+where, append(vars, c.Vars...)...)}
	}
	return term{literal: literal(t)}
}

// check tries an operand that is a literal, and notes what is wrong with it. It gives the path that it writes.
func (c *Compiler) check(o Operand, pos mistake.Place) {
	w := &Writer{Reserved: c.Reserved}
	if p := o.Append(w); p != nil {
		c.Wrong(pos, p.Field, "%s", p.Detail)
	}
}

// Value compiles one of the values that a rule gives to an action with some fields. Whether a value has to be there can
// depend on others. It is nil where there is none.
func (c *Compiler) Value(f *customerio.Field, fields []customerio.Field, given []Value) Operand {
	v := find(given, f.Key)
	inPlace := f.Unless != "" && find(given, f.Unless) == nil
	switch {
	case v == nil && inPlace:
		c.Wrong(mistake.Place{}, f.Key, "is missing: it has to be given where %s is not", f.Unless)
		return nil
	case v == nil && f.Required:
		c.Wrong(mistake.Place{}, f.Key, "is missing")
		return nil
	case v == nil:
		return nil
	}
	for i := range fields {
		other := &fields[i]
		if f.Exclusive && other.Exclusive && other.Key < f.Key && find(given, other.Key) != nil {
			c.Wrong(v.Value.Pos, f.Key, "stands beside %s: give one of them", other.Key)
			break
		}
	}
	with := func(key string) bool { return find(given, key) != nil }
	if f.With != nil && !slices.ContainsFunc(f.With, with) {
		c.Wrong(v.Value.Pos, f.Key, "goes only with %s", choice.List(f.With))
	}
	needed := *f
	needed.Required = f.Required || f.Kept && (f.Unless == "" || inPlace)
	if v.Node.IsZero() {
		return c.value(&needed, v.Value)
	}
	return c.structure(&needed, &v.Node)
}

func find(given []Value, key string) *Value {
	if i := slices.IndexFunc(given, func(v Value) bool { return v.Key == key }); i >= 0 {
		return &given[i]
	}
	return nil
}

func (c *Compiler) value(f *customerio.Field, from Term) Operand {
	o := &value{field: f, where: f.Key, term: c.term(from, f.Key)}
	if f.Subject {
		o.lane = event.LaneKindOf(f.Key)
	}
	if from.Program == "" {
		o.literal = c.near(f, from, o.literal)
		c.check(o, from.Pos)
	}
	return o
}

// near notes a literal that is none of the words of a field, but near to one.
func (c *Compiler) near(f *customerio.Field, from Term, v expr.Value) expr.Value {
	if len(f.Choices) == 0 || v.Kind != expr.String {
		return v
	}
	text := string(v.AppendString(nil))
	if near := choice.Near(text, f.Choices); near != "" && f.CheckValue([]byte(text)) != "" {
		c.Wrong(from.Pos, f.Key, "no such word%s; want %s", near, choice.List(f.Choices))
		return expr.Value{Kind: expr.String, Raw: []byte(jsontext.Of(f.Choices[0]))}
	}
	return v
}

// Person compiles a person beside the one that the call is about.
func (c *Compiler) Person(f *customerio.Field, where string, from []Person, vars ...string) Operand {
	o := &person{field: f, where: where}
	if len(from) == 0 {
		c.Wrong(mistake.Place{}, where, "is missing")
	}
	for _, p := range from {
		if !f.Takes(p.Kind) {
			c.Wrong(p.Value.Pos, where, "the person cannot be named by %s here; want %s", p.Kind,
				choice.List(f.IdentifierNames()))
			continue
		}
		prog := c.Program(p.Value, c.Where+"."+where, append(vars, c.Vars...)...)
		o.from = append(o.from, identifier{p.Kind, prog})
	}
	return o
}

// Object compiles an object.
func (c *Compiler) Object(f *customerio.Field, where string, from Object, vars ...string) Operand {
	o := &object{field: f, where: where, cio: !from.CioID.IsZero()}
	switch {
	case from.IsZero():
		c.Wrong(from.Pos, where, "is missing")
		return o
	case o.cio && !(from.Type.IsZero() && from.ID.IsZero()):
		c.Wrong(from.Pos, where, "is named by cio_object_id or by type and id, not by both")
		return o
	case o.cio:
		o.id, o.kind = c.term(from.CioID, where+".cio_object_id", vars...), cioObjectLane
	case from.Type.IsZero():
		c.Wrong(from.Pos, where, "needs type")
		return o
	case from.ID.IsZero():
		c.Wrong(from.Pos, where, "needs id")
		return o
	default:
		o.typ, o.id = c.term(from.Type, where+".type", vars...), c.term(from.ID, where+".id", vars...)
		c.objectType(o, where, from)
	}
	if from.ID.Literal+from.CioID.Literal != "" && from.Type.Program == "" {
		c.check(o, from.Pos)
	}
	return o
}

// objectType notes the type of an object that is a literal.
func (c *Compiler) objectType(o *object, where string, from Object) {
	if from.Type.Program != "" {
		return
	}
	text, what := appendText(nil, o.typ.literal)
	if what == "" {
		what = customerio.CheckObjectType(text)
	}
	if what != "" {
		c.Wrong(from.Type.Pos, where+".type", "%s", what)
		o.typ.literal = expr.Value{Kind: expr.Number, Raw: []byte("1")}
	}
	o.ofOneTyp, o.kind = true, ObjectLaneKind(string(text))
}

// Relationships compiles the relationships of a call.
func (c *Compiler) Relationships(f *customerio.Field, from []Relationship) Operand {
	o := &relationships{field: f}
	if len(from) == 0 {
		c.Wrong(mistake.Place{}, f.Key, "is missing")
	}
	for i := range from {
		where := f.Key
		if len(from) > 1 {
			where += "[" + strconv.Itoa(i) + "]"
		}
		o.all = append(o.all, c.relationship(f, where, &from[i]))
	}
	return o
}

func (c *Compiler) relationship(f *customerio.Field, where string, from *Relationship) relationship {
	o := relationship{where: where}
	var vars []string
	if !from.Each.IsZero() {
		if len(c.Vars) > 0 {
			c.Wrong(from.Each.Pos, where+".each", "the step has an each, whose output is $item, too: keep one of them")
		}
		o.each, vars = c.Program(from.Each, c.Where+"."+where+".each", c.Vars...), []string{"item"}
	}
	side := &customerio.Field{Identifiers: f.Identifiers, Lanes: f.Lanes}
	switch toPersons := len(f.Identifiers) > 0; {
	case toPersons && !from.Object.IsZero():
		c.Wrong(from.Pos, where+".object", "this action relates its object to persons; want person")
	case !toPersons && len(from.Person) > 0:
		c.Wrong(from.Pos, where+".person", "this action relates its person to objects; want object")
	case toPersons:
		o.other = c.Person(side, where+".person", from.Person, vars...)
	default:
		o.other = c.Object(side, where+".object", from.Object, vars...)
	}
	for _, a := range from.Attributes {
		o.attributes = append(o.attributes, c.attribute(where+".attributes", a, vars))
	}
	return o
}

func (c *Compiler) attribute(where string, from Attribute, vars []string) attribute {
	if !from.Whole {
		where += "." + from.Name
		if what := customerio.CheckPlainName(from.Name); what != "" {
			c.Wrong(from.Value.Pos, where, "the name %s", what)
		}
	}
	a := newAttribute(where, from)
	a.value = c.term(from.Value, where, vars...)
	if a.whole && from.Value.Program == "" {
		c.Wrong(from.Value.Pos, where, "want a program that gives an object, or a map of names to values")
	}
	if from.Value.Program == "" && !from.Whole {
		if p := a.append(&Writer{Body: []byte("{")}); p != nil {
			c.Wrong(from.Value.Pos, where, "%s", p.Detail)
		}
	}
	return a
}
