package expr

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

func (c *fastCompiler) object(o *gojq.Object, in incoming) *expr {
	e := &expr{op: opObject}
	for _, kv := range o.KeyVals {
		name, value := c.member(kv, in)
		if value == nil {
			return nil
		}
		e.kvs = append(e.kvs, keyed{name, append(jsontext.AppendString(nil, []byte(name)), ':'), value})
	}
	for i, kv := range e.kvs {
		later := e.kvs[i+1:]
		if !slices.ContainsFunc(later, func(k keyed) bool { return k.name == kv.name }) {
			e.list = append(e.list, i)
		}
	}
	slices.SortFunc(e.list, func(i, j int) int { return strings.Compare(e.kvs[i].name, e.kvs[j].name) })
	return e
}

func (c *fastCompiler) member(kv *gojq.ObjectKeyVal, in incoming) (string, *expr) {
	name := kv.Key
	switch {
	case kv.KeyQuery != nil || kv.KeyString != nil && kv.KeyString.Queries != nil:
		return "", nil
	case kv.KeyString != nil:
		name = kv.KeyString.Str
	case name[0] == '$':
		if kv.Val != nil {
			return "", nil
		}
		return name[1:], c.variable(name)
	}
	if kv.Val != nil {
		return name, c.single(kv.Val, in)
	}
	return name, index(in.expr(), &gojq.Index{Str: &gojq.String{Str: name}})
}

func (c *fastCompiler) array(a *gojq.Array, in incoming) *expr {
	if a.Query == nil {
		return &expr{op: opLiteral, lit: Value{Kind: Array, Raw: []byte("[]")}}
	}
	if l := c.query(a.Query, in); l != nil {
		return &expr{op: opArray, l: l}
	}
	return nil
}

func (c *fastCompiler) text(s *gojq.String, in incoming) *expr {
	if s.Queries == nil {
		return &expr{op: opLiteral, lit: Value{Kind: String, Raw: jsontext.AppendString(nil, []byte(s.Str))}}
	}
	e := &expr{op: opText}
	for _, q := range s.Queries {
		part := c.single(q, in)
		if part == nil {
			return nil
		}
		e.parts = append(e.parts, part)
	}
	return e
}

func (c *fastCompiler) branch(i *gojq.If, in incoming) *expr {
	e := &expr{op: opIf, cond: c.single(i.Cond, in), l: c.single(i.Then, in)}
	switch {
	case len(i.Elif) > 0:
		e.r = c.branch(&gojq.If{Cond: i.Elif[0].Cond, Then: i.Elif[0].Then, Elif: i.Elif[1:], Else: i.Else}, in)
	case i.Else != nil:
		e.r = c.single(i.Else, in)
	default:
		e.r = in.expr()
	}
	if e.cond == nil || e.l == nil || e.r == nil {
		return nil
	}
	return e
}

func (c *fastCompiler) variable(name string) *expr {
	if slices.Contains(c.vars, name[1:]) {
		return &expr{op: opVar, name: name[1:]}
	}
	return nil
}

func (c *fastCompiler) function(f *gojq.Func, in incoming) *expr {
	if f.Name[0] == '$' {
		return c.variable(f.Name)
	}
	call := functions[f.Name]
	switch {
	case len(f.Args) == 0 && f.Name == "empty":
		return &expr{op: opLiteral} // of kind Absent
	case len(f.Args) == 0 && call.run != nil && !call.takes:
		return pipeInto(in, &expr{op: opCall, call: call.run})
	case len(f.Args) != 1:
		return nil
	case f.Name == "select":
		if cond := c.single(f.Args[0], in); cond != nil {
			return pipeInto(in, &expr{op: opSelect, cond: cond})
		}
	case f.Name == "map":
		if each := c.query(f.Args[0], incoming{}); each != nil {
			items := &expr{op: opIter, l: in.expr(), several: true}
			return &expr{op: opArray, l: &expr{op: opPipe, l: items, r: each, several: true}}
		}
	case call.run != nil && call.takes:
		arg := c.single(f.Args[0], in)
		if arg != nil && arg.op == opLiteral && arg.lit.Kind == String {
			return pipeInto(in, &expr{op: opCall, call: call.run, arg: arg.lit.AppendString(nil)})
		}
	case zoned[f.Name] != nil:
		arg := c.single(f.Args[0], in)
		if arg != nil && arg.op == opLiteral && arg.lit.Kind == String {
			return pipeInto(in, &expr{op: opCall, call: zoned[f.Name], arg: arg.lit.AppendString([]byte{})})
		}
	}
	return nil
}

// pipeInto gives e the value that comes in, where that is known to be a place in the document.
func pipeInto(in incoming, e *expr) *expr {
	if in.known {
		return &expr{op: opPipe, l: in.expr(), r: e}
	}
	return e
}
