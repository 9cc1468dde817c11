package mapping

import (
	"bytes"
	"fmt"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// maxKeptNames is how many names of merged objects a state keeps memory for.
const maxKeptNames = 1000

// fields appends attributes or data, and says where their object stands.
func (s *state) fields(a *action, lanes int) (span, *problem) {
	if len(a.fields)+len(a.removed) == 0 {
		return span{}, nil
	}
	s.body = append(s.body, a.opening...)
	start := len(s.body) - 1
	s.entries = a.removals
	var p *problem
	if a.merges {
		p = s.merged(a, lanes)
	} else {
		p = s.inOrder(a, lanes)
	}
	if p != nil {
		return span{}, p
	}
	if most := a.values.MaxEntries; most > 0 && s.entries > most {
		return span{}, &problem{reason: event.ReasonTooLarge, field: a.values.Key, detail: fmt.Sprintf(
			"the call sets and removes %d attributes; Customer.io takes %d: except leaves some out", s.entries, most)}
	}
	s.body = append(s.body, a.removed...)
	if last := len(s.body) - 1; s.body[last] == ',' {
		s.body[last] = '}'
	} else {
		s.body = append(s.body, '}')
	}
	return span{start, len(s.body)}, nil
}

// inOrder appends fields of which no two give the same name. Nearly all calls are made here, and nearly all of their
// values are data that nobody judges.
func (s *state) inOrder(a *action, lanes int) *problem {
	for i := range a.fields {
		f := &a.fields[i]
		if f.attribute || f.whole {
			if p := s.judged(a, i, lanes); p != nil {
				return p
			}
			continue
		}
		v := f.value.literal
		if f.value.prog != nil {
			var err error
			if v, err = f.value.prog.One(&s.doc); err != nil {
				if p := s.spare(a, f, f.failed(err)); p != nil {
					return p
				}
				continue
			}
		}
		if absent(v) && !f.required {
			continue
		}
		if !absent(v) && !f.steers && len(v.Raw) <= customerio.MaxEventDataBytes {
			s.writeAsIs(f, v) // nearly every value, without the call
			continue
		}
		if p := s.datum(f, v); p != nil {
			if p = s.spare(a, f, p); p != nil {
				return p
			}
		}
	}
	return nil
}

// merged appends fields of which the first that gives a name counts: they are in the opposite order of the rule's.
func (s *state) merged(a *action, lanes int) *problem {
	if s.taken == nil {
		s.taken = map[string]bool{}
	}
	clear(s.taken)
	for i := range a.fields {
		f := &a.fields[i]
		if s.taken[f.own] {
			continue
		}
		before := len(s.body)
		if p := s.judged(a, i, lanes); p != nil {
			return p
		}
		if !f.whole && len(s.body) > before {
			s.taken[f.own] = true
		}
	}
	return nil
}

// judged appends one field, or the members of one that is whole.
func (s *state) judged(a *action, i, lanes int) *problem {
	f := &a.fields[i]
	v, p := s.fieldValue(f)
	switch {
	case p != nil:
	case f.whole:
		p = s.members(a, i, v, lanes)
	default:
		p = s.value(a, f, v, lanes)
	}
	return s.spare(a, f, p)
}

// fieldValue gives the value of a field. What a path does not find is Absent and not null where the difference counts.
func (s *state) fieldValue(f *field) (expr.Value, *problem) {
	if f.value.prog == nil {
		return f.value.literal, nil
	}
	v, err := f.value.prog.One(&s.doc)
	if err != nil {
		return expr.Value{}, f.failed(err)
	}
	if v.Kind == expr.Null && f.erase != 0 && f.value.prog.Missing(&s.doc) {
		return expr.Value{}, nil
	}
	return v, nil
}

// failed is the problem of a field whose program failed. A time or number that a function could not read is a value
// that does not fit; all else is a mistake in the rule.
func (f *field) failed(err error) *problem {
	p := evalProblem(f.value.prog, f.name, err)
	if p.unfit {
		p.reason = event.ReasonInvalidValue
	}
	return p
}

// members appends the members of an object, each as the field that it would be if the rule named it. They are copied as
// they are written; what has to be judged is read in place.
func (s *state) members(a *action, i int, v expr.Value, lanes int) *problem {
	f := &a.fields[i]
	switch {
	case absent(v):
		return nil
	case v.Kind != expr.Object:
		return wrong(event.ReasonInvalidValue, a.values.Key, f.value.prog,
			"is "+document.Article(v.Kind)+"; want an object")
	case f.raw && len(v.Raw) <= customerio.MaxEventDataBytes && !f.value.prog.MayHoldNull(&s.doc) &&
		!customerio.MaySteerMessage(v.Raw):
		if inside := bytes.TrimSpace(v.Raw[1 : len(v.Raw)-1]); len(inside) > 0 {
			s.body = append(append(s.body, inside...), ',')
		}
		return nil
	}
	noted := len(s.remarks)
	notes := i+1 < len(a.fields) // for the fields that are evaluated after it
	m := &s.member
	*m = field{attribute: f.attribute, lane: f.lane, strict: f.strict, cuts: f.cuts, room: f.room, of: f}
	for members := expr.MembersOf(v); members.Next(); {
		m.member, m.key = members.Head, s.memberName(members.Key)
		if a.left[string(m.key)] || a.merges && s.taken[string(m.key)] {
			continue
		}
		if m.attribute {
			m.setKind(a.values)
		}
		before := len(s.body)
		p := s.value(a, m, members.Value, lanes)
		full := p != nil && m.attribute && s.entries >= m.room
		if p = s.spare(a, m, p); p != nil {
			p.unfit = false // the object cannot do without it
			return p
		}
		if full {
			return nil
		}
		if len(s.remarks)-noted > customerio.MaxAttributes {
			return wrong(event.ReasonTooLarge, a.values.Key, f.value.prog, "has more than 300 members that do not fit")
		}
		if notes && len(s.body) > before {
			s.taken[string(m.key)] = true
		}
	}
	return nil
}

// memberName is the name of a member, which may be written with escapes.
func (s *state) memberName(key []byte) []byte {
	if bytes.IndexByte(key, '\\') < 0 {
		return key
	}
	s.key = expr.AppendUnquoted(s.key[:0], key)
	return s.key
}

// ownRequest writes a request of the rule's own. A person says in whose lane it waits.
func (s *state) ownRequest(a *action, c *pending) *problem {
	s.writer.From = len(s.lanes)
	if len(a.person) > 0 {
		who, p := s.person(a)
		if p != nil {
			return p
		}
		s.addLane(s.writer.From, who.kind, s.who)
	}
	var made *event.Request // not in c itself, which would then be allocated for every call
	p := s.operand(a, operandFunc(func(w *operand.Writer) (p *operand.Problem) {
		made, p = a.request.Write(w, a.number)
		return p
	}))
	c.single = made
	return p
}

// operandFunc is a function as an operand.
type operandFunc func(w *operand.Writer) *operand.Problem

func (f operandFunc) Append(w *operand.Writer) *operand.Problem { return f(w) }
