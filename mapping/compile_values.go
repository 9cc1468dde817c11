package mapping

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/mistake"
)

// values compiles the attributes of a person, or the data of an event.
func (c *actionCompiler) values(f *customerio.Field) {
	out := c.out
	out.values, out.opening = f, append(f.AppendMember(nil), '{')
	if f.Member() == "" {
		c.besidePerson(f)
	}
	named, whole := map[string]bool{}, 0
	for i := range c.from.Fields {
		from := &c.from.Fields[i]
		if from.Whole {
			whole++
			out.fields = append(out.fields, c.wholeField(f, from))
			continue
		}
		out.merges = out.merges || named[from.Name]
		named[from.Name] = true
		out.fields = append(out.fields, c.namedField(f, from))
	}
	if n := len(named) + len(c.from.Remove); f.MaxEntries > 0 && n > f.MaxEntries {
		c.wrong("", "sets and removes %d attributes; Customer.io takes %d in one call", n, f.MaxEntries)
	}
	out.merges = out.merges || whole > 0 && len(out.fields) > 1
	if out.merges {
		slices.Reverse(out.fields)
	}
	if whole > 0 {
		c.describe(f)
	}
	after := 0 // fields with a name of their own that are evaluated after the field
	for i := len(out.fields) - 1; i >= 0; i-- {
		if f := &out.fields[i]; !f.strict {
			f.room -= after
		}
		if !out.fields[i].whole {
			after++
		}
	}
}

// describe says what the call may send, whose names are the event's.
func (c *actionCompiler) describe(f *customerio.Field) {
	var objects, named []string
	for i := range c.from.Fields {
		if from := &c.from.Fields[i]; from.Whole {
			objects = append(objects, from.Value.Program)
		} else {
			named = append(named, from.Name)
		}
	}
	text := "sends every member of " + choice.And(objects)
	left := slices.Concat(c.from.Except, c.from.Remove)
	if f.Kind == customerio.DataField {
		for _, name := range customerio.SteeringNames() {
			if !slices.Contains(left, name) && !slices.Contains(named, name) {
				left = append(left, name)
			}
		}
	}
	if len(left) > 0 {
		text += " but " + choice.And(left)
	}
	if len(named) > 0 {
		text += ", and " + choice.And(named)
	}
	if len(c.from.Fields) > 1 {
		text += "; of two with one name the later counts"
	}
	if f.Kind == customerio.AttributesField && !f.Plain && !f.Texts {
		set := slices.DeleteFunc([]string{"id", "email", "phone", "anonymous_id"}, func(name string) bool {
			return slices.Contains(c.from.Except, name) || slices.Contains(c.from.Remove, name)
		})
		if len(set) > 0 {
			text += "; " + choice.List(set) + " among them sets an identifier of the person"
		}
	}
	c.out.sends = text
	c.compiler.out.notes = append(c.compiler.out.notes, mistake.New(c.from.Pos.With(mistake.Join(c.where, f.Key)), "%s",
		text))
}

// wholeField compiles a field that sends all members of an object.
func (c *actionCompiler) wholeField(f *customerio.Field, from *Field) field {
	out := field{name: f.Key, whole: true, attribute: f.Kind == customerio.AttributesField, lane: f.Lanes,
		erase: c.erase(f.Key, from)}
	out.raw = f.Kind == customerio.DataField && len(c.from.Fields) == 1 && len(c.from.Except) == 0 && f.Member() != ""
	c.invalid(&out, from)
	if from.Value.Program == "" {
		c.wrongAt(from.Value.Pos, f.Key, "want a program that gives an object, or a map of names to values")
		return out
	}
	out.value = c.value(from.Value, f.Key)
	return out
}

func (c *actionCompiler) namedField(f *customerio.Field, from *Field) field {
	if from.Name == "" {
		c.wrongAt(from.Value.Pos, f.Key, "a name is empty")
	}
	out := field{name: cmp.Or(from.path, f.Key+"."+from.Name), own: from.Name,
		member: append([]byte(jsontext.Of(from.Name)), ':')}
	if f.Kind == customerio.AttributesField {
		out.attribute, out.kind = true, customerio.AttributeKindIn(f, from.Name)
		if out.kind == customerio.IdentifierAttribute {
			out.names, out.lane = customerio.ParseIdentifier(from.Name), f.Lanes
		}
		if from.Name != "" {
			c.attributeName(from.Name, from.Value.Pos)
		}
	}
	out.steers = f.Kind == customerio.DataField && customerio.SteersMessage(from.Name)
	out.erase = c.erase(out.name, from)
	if out.kind.MustNotVanish() && len(from.Erase) == 0 && out.erase != 0 {
		out.erase = 0
		c.warn(out.name, "erase of the step does not reach it, because it says who the person is or whether they "+
			"may be written to; erase beside its own value does")
	}
	out.value = c.value(from.Value, out.name)
	c.invalid(&out, from)
	c.literalField(&out, from.Value)
	return out
}

// erase reads what erases an attribute: what its field says, or else what the action says.
func (c *actionCompiler) erase(where string, from *Field) (out erase) {
	of := from.Erase
	if of == nil {
		of, where = c.from.Erase, "" // the action's own, which stands beside it
	} else if c.out.values.Kind != customerio.AttributesField || c.out.values.Texts {
		c.wrongAt(from.Value.Pos, where, "erase is for attributes of a person; data of an event has none to erase")
	}
	for _, n := range of {
		switch n {
		case NullValue:
			out |= eraseNull
		case EmptyValue:
			out |= eraseEmpty
		default:
			c.wrongAt(from.Value.Pos, where, "erase: no such word%s; want null, empty or both",
				choice.Near(string(n), []string{string(NullValue), string(EmptyValue)}))
		}
	}
	if len(from.Erase) > 0 && !removable(from.Name) {
		c.wrongAt(from.Value.Pos, where, "%s cannot be erased", from.Name)
	}
	return out
}

// removable reports whether an attribute can be taken from a person. An id is what makes them that person, and _update
// is an order.
func removable(name string) bool { return name != "id" && name != "_update" }

func (c *actionCompiler) literalField(f *field, v Term) {
	if v.Program != "" {
		return
	}
	if f.attribute || f.steers {
		s, given := &state{reserved: c.compiler.out.reserved}, *f
		given.cuts, given.strict, given.room = false, true, math.MaxInt
		if problem := s.value(c.out, &given, f.value.literal, 0); problem != nil {
			c.wrongAt(v.Pos, f.name, "%s", problem.detail)
		}
	}
	c.forgottenDot(f.name, v.Literal, false)
}

func (c *actionCompiler) attributeName(name string, pos Position) {
	if problem := customerio.CheckNameIn(c.out.values, name); problem != "" {
		c.wrongAt(pos, c.out.values.Key+"."+name, "the name %s", problem)
	}
}

// except notes the members of whole objects that are left out.
func (c *actionCompiler) except(f *customerio.Field) {
	if len(c.from.Except) == 0 {
		return
	}
	key := c.out.values.Key
	if !slices.ContainsFunc(c.from.Fields, func(f Field) bool { return f.Whole }) {
		c.wrong(f.Key, "leaves out members of an object that is sent whole, and %s names each field: leave the field "+
			"out", key)
	}
	for i, name := range c.from.Except {
		where := indexed(f.Key, i)
		switch {
		case name == "":
			c.wrong(where, "a name is empty")
		case slices.Index(c.from.Except, name) < i:
			c.wrong(where, "%s is there twice", name)
		case strings.HasPrefix(name, "."):
			c.wrong(where, "%s is a path; want the name of a member, such as %s", name, strings.Trim(name, ". []\""))
		case strings.Contains(name, "."):
			c.warn(where, "%s is the name of one member with a dot in it; what stands inside of a member is left out "+
				"by a program: del(.a.b)", name)
		}
		c.leaveOut(name)
	}
}

func (c *actionCompiler) leaveOut(name string) {
	if c.out.left == nil {
		c.out.left = map[string]bool{}
	}
	c.out.left[name] = true
}

// removals writes the members that erase attributes. A null removes an attribute; an empty string would as well. What
// is removed is not set by an object in which it stands, too.
func (c *actionCompiler) removals() {
	c.out.removals = len(c.from.Remove)
	for i, name := range c.from.Remove {
		set := slices.ContainsFunc(c.from.Fields, func(f Field) bool { return !f.Whole && f.Name == name })
		switch {
		case name == "":
			c.wrong(indexed("remove", i), "a name is empty")
			continue
		case !removable(name):
			c.wrong(indexed("remove", i), "%s cannot be removed", name)
		case set:
			c.wrong(indexed("remove", i), "%s is set by the same call", name)
		case slices.Index(c.from.Remove, name) < i:
			c.wrong(indexed("remove", i), "%s is there twice", name)
		}
		c.attributeName(name, c.from.Pos)
		c.leaveOut(name)
		c.out.removed = append(c.out.removed, jsontext.Of(name)...)
		c.out.removed = append(c.out.removed, ":null,"...)
	}
}
