package operand

import (
	"slices"
	"strconv"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Tree is a compiled Node.
type Tree struct {
	term
	where    string
	members  []member
	elements []Tree
	isObject bool
	isList   bool
}

type member struct {
	name     string
	value    Tree
	required bool
}

// Tree compiles a Node that stands in the field with a path below that of the action.
func (c *Compiler) Tree(where string, from *Node) Tree {
	out := Tree{where: where, isObject: from.IsObject, isList: from.IsList}
	for i := range from.Object {
		m := &from.Object[i]
		out.members = append(out.members, member{name: m.Name, required: m.Required,
			value: c.Tree(where+"."+m.Name, &m.Value)})
	}
	for i := range from.List {
		out.elements = append(out.elements, c.Tree(where+"["+strconv.Itoa(i)+"]", &from.List[i]))
	}
	if !from.IsObject && !from.IsList {
		out.term = c.term(from.Term, where)
	}
	return out
}

// knows notes the members of a Node that is an object which no such object has, and those that it lacks. It reports
// whether all is well.
func (c *Compiler) knows(f *customerio.Field, from *Node) bool {
	well, lacking := true, slices.Clone(f.Needs)
	for i := range from.Object {
		m := &from.Object[i]
		lacking = slices.DeleteFunc(lacking, func(name string) bool { return name == m.Name })
		if f.Members != nil && !slices.Contains(f.Members, m.Name) {
			c.Wrong(m.Value.Pos, f.Key+"."+m.Name, "no such member%s; want %s", choice.Near(m.Name, f.Members),
				choice.List(f.Members))
			well = false
		}
	}
	if well && len(lacking) > 0 {
		c.Wrong(from.Pos, f.Key, "needs %s", choice.And(lacking))
	}
	return well && len(lacking) == 0
}

// isLiteral reports whether nothing of the tree depends on an event.
func (n *Tree) isLiteral() bool {
	for i := range n.members {
		if !n.members[i].value.isLiteral() {
			return false
		}
	}
	for i := range n.elements {
		if !n.elements[i].isLiteral() {
			return false
		}
	}
	return n.isObject || n.isList || n.prog == nil && n.literal.Raw != nil
}

// IsZero reports whether nothing was written.
func (n *Tree) IsZero() bool {
	return !n.isObject && !n.isList && n.prog == nil && n.literal.Raw == nil
}

// Append appends the value as JSON. One that is absent or null is not there.
func (n *Tree) Append(dst []byte, w *Writer) (out []byte, there bool, p *Problem) {
	switch {
	case n.isObject:
		return n.appendObject(dst, w)
	case n.isList:
		return n.appendList(dst, w)
	}
	v, p := n.Value(w)
	if p != nil || n.prog != nil && absent(v) {
		return dst, false, p
	}
	return append(dst, v.Raw...), true, nil
}

func (n *Tree) appendObject(dst []byte, w *Writer) ([]byte, bool, *Problem) {
	dst = append(dst, '{')
	first := true
	for i := range n.members {
		m := &n.members[i]
		before := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, []byte(m.name)), ':')
		var there bool
		var p *Problem
		switch dst, there, p = m.value.Append(dst, w); {
		case p != nil:
			return dst, false, p
		case there:
			first = false
		case m.required:
			return dst, false, m.value.Problem(event.ReasonMissingField, "is absent or null")
		default:
			dst = dst[:before]
		}
	}
	return append(dst, '}'), true, nil
}

func (n *Tree) appendList(dst []byte, w *Writer) ([]byte, bool, *Problem) {
	dst = append(dst, '[')
	for i := range n.elements {
		before := len(dst)
		if dst[before-1] != '[' {
			dst = append(dst, ',')
		}
		var there bool
		var p *Problem
		if dst, there, p = n.elements[i].Append(dst, w); p != nil {
			return dst, false, p
		}
		if !there {
			dst = dst[:before]
		}
	}
	return append(dst, ']'), true, nil
}

// Value is the value of a tree that is neither an object nor a list of such values.
func (n *Tree) Value(w *Writer) (expr.Value, *Problem) { return n.value(w, n.where) }

// Problem is one with the tree's value.
func (n *Tree) Problem(reason event.Reason, what string) *Problem {
	return n.problem(reason, n.where, what)
}

// texts visits the texts of a list, or the one text that stands in its place. Of each it says whether an event gave it.
func (n *Tree) texts(w *Writer, visit func(v expr.Value, given bool) *Problem) *Problem {
	if !n.isList {
		v, p := n.Value(w)
		if p != nil || absent(v) {
			return p
		}
		return oneOrEach(v, n.prog != nil, visit)
	}
	for i := range n.elements {
		e := &n.elements[i]
		v, p := e.Value(w)
		if p == nil && !absent(v) {
			p = oneOrEach(v, e.prog != nil, visit)
		}
		if p != nil {
			return p
		}
	}
	return nil
}

func oneOrEach(v expr.Value, given bool, visit func(v expr.Value, given bool) *Problem) *Problem {
	if v.Kind != expr.Array {
		return visit(v, given)
	}
	for element := range document.ElementsOf(v) {
		if absent(element) {
			continue
		}
		if p := visit(element, given); p != nil {
			return p
		}
	}
	return nil
}
