package expr

import (
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/jq"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// maxWork bounds the text that one run of a program on the fast path makes on its way to its outputs.
const maxWork = 4 << 20

func boolean(b bool) Value {
	if b {
		return Value{Kind: True, Raw: trueText}
	}
	return Value{Kind: False, Raw: falseText}
}

var trueText, falseText = []byte("true"), []byte("false")

// runOne runs a program on the fast path for its only output.
func (d *Document) runOne(e *expr) (out Value, err error) {
	if d.beginRun(); e.several {
		err = d.each(e, d.doc.Root(), func(v Value) error {
			if out.Kind != Absent {
				return errSeveral
			}
			out = v
			return nil
		})
	} else {
		out, err = d.eval(e, d.doc.Root())
	}
	if err = d.endRun(err); err != nil {
		return Value{}, err
	}
	if len(out.Raw) > limits.MaxOutput {
		return Value{}, limits.ErrTooMuch
	}
	return out, nil
}

// runAll runs a program on the fast path for all its outputs.
func (d *Document) runAll(e *expr, yield func(Value) error) error {
	var m limits.Meter
	d.beginRun()
	return d.endRun(d.each(e, d.doc.Root(), func(v Value) error {
		if err := m.Count(len(v.Raw)); err != nil {
			return err
		}
		own := d.fuel // the caller may run other programs on the document
		own.Gave()
		err := yield(v)
		d.fuel = own
		return err
	}))
}

// endRun gives the error with which a run ended. A ? does not hide that the run met a limit.
func (d *Document) endRun(err error) error {
	d.used += d.fuel.Steps()
	if err == nil {
		return d.fuel.Failed()
	}
	return err
}

// each runs e for all its outputs.
func (d *Document) each(e *expr, in Value, yield func(Value) error) error {
	if !e.several {
		v, err := d.eval(e, in)
		if err != nil || v.Kind == Absent {
			return err
		}
		return yield(v)
	}
	return d.each(e.l, in, func(v Value) error {
		switch e.op {
		case opIter, opTryIter:
			return d.items(v, e.op == opTryIter, yield)
		case opPipe:
			return d.each(e.r, v, yield)
		}
		next, err := d.step(v, e.step)
		if err != nil {
			if e.op == opTryStep {
				return nil
			}
			return err
		}
		return yield(next)
	})
}

// items yields the elements of an array, or the values of an object in the order of their keys, as jq does.
func (d *Document) items(v Value, try bool, yield func(Value) error) error {
	next := func(v Value) error {
		if d.fuel.Burn() {
			return d.fuel.Failed()
		}
		if len(d.arena) > d.limit {
			return limits.ErrTooLarge
		}
		return yield(v)
	}
	switch {
	case v.Kind == Array:
		for at := document.SkipSpace(v.Raw, 1); v.Raw[at] != ']'; {
			end := document.SkipValue(v.Raw, at)
			if err := next(document.ValueAt(v.Raw, at, end)); err != nil {
				return err
			}
			at = document.SkipComma(v.Raw, end)
		}
		return nil
	case v.Kind == Object:
		for _, m := range sortedMembers(v.Raw) {
			if err := next(m.value); err != nil {
				return err
			}
		}
		return nil
	case try:
		return nil
	}
	return limits.Failedf("cannot iterate over %s", document.Article(v.Kind))
}

// eval runs an e that gives at most one output; Kind Absent where it gives none. Operands are evaluated in gojq's
// order, the right one first, because it decides which of two failures is seen.
func (d *Document) eval(e *expr, in Value) (Value, error) {
	switch e.op {
	case opInput:
		return in, nil
	case opPath:
		return d.at(e.at)
	case opVar:
		return d.lookup(e.name), nil
	case opLiteral:
		return e.lit, nil
	case opObject:
		return d.object(e, in)
	case opArray:
		return d.array(e, in)
	case opText:
		return d.interpolate(e, in)
	case opCompare:
		r, err := d.eval(e.r, in)
		if err != nil || r.Kind == Absent {
			return r, err
		}
		l, err := d.eval(e.l, in)
		if err != nil || l.Kind == Absent {
			return l, err
		}
		if e.holds.Rank() && l.Kind != r.Kind {
			if err := jq.Orderable(l.Kind, r.Kind); err != nil {
				return Value{}, err
			}
		}
		if err := d.payToCompare(l, r); err != nil {
			return Value{}, err
		}
		return boolean(e.holds.Include(d.compare(l, r))), nil
	case opCompareTo:
		l, err := d.eval(e.l, in)
		if err != nil || l.Kind == Absent {
			return l, err
		}
		if l.Kind != e.right.value.Kind && e.holds.Rank() {
			return Value{}, jq.Orderable(l.Kind, e.right.value.Kind)
		}
		return boolean(e.holds.Include(d.compareTo(l, e.right))), nil
	case opIf, opSelect, opAnd, opOr:
		return d.branch(e, in)
	}
	l, err := Value{}, error(nil)
	if e.op != opCall {
		l, err = d.eval(e.l, in)
	}
	return d.apply(e, in, l, err)
}

// apply goes on from what the left side of e gave.
func (d *Document) apply(e *expr, in, l Value, err error) (Value, error) {
	switch {
	case e.op == opCall:
		return e.call(d, in, e.arg)
	case e.op == opTry && err != nil:
		return Value{}, nil
	case err != nil:
		return Value{}, err
	case e.op == opAlt && !l.Truthy():
		return d.eval(e.r, in)
	case l.Kind == Absent:
		return Value{}, nil
	case e.op == opPipe:
		return d.eval(e.r, l)
	case e.op == opStep:
		return d.step(l, e.step)
	case e.op == opTryStep:
		if l, err = d.step(l, e.step); err != nil {
			return Value{}, nil
		}
	}
	return l, nil
}

// branch runs what decides by the truth of a condition.
func (d *Document) branch(e *expr, in Value) (Value, error) {
	cond := e.cond
	if e.op == opAnd || e.op == opOr {
		cond = e.l
	}
	v, err := d.eval(cond, in)
	if err != nil || v.Kind == Absent {
		return Value{}, err
	}
	switch truth := v.Truthy(); {
	case e.op == opIf && truth:
		return d.eval(e.l, in)
	case e.op == opIf:
		return d.eval(e.r, in)
	case e.op == opSelect && truth:
		return in, nil
	case e.op == opSelect:
		return Value{}, nil
	case truth == (e.op == opOr):
		return boolean(truth), nil
	}
	if v, err = d.eval(e.r, in); err != nil || v.Kind == Absent {
		return Value{}, err
	}
	return boolean(v.Truthy()), nil
}
