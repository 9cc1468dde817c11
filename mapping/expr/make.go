package expr

import (
	"bytes"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// Values that programs make are written to the document's arena. It may move while it grows; values given out before
// keep the memory in which they were written.

// beginRun starts a run of a program on the fast path: it may make maxWork bytes and compute for TimeLimit.
func (d *Document) beginRun() {
	d.limit = len(d.arena) + maxWork
	d.fuel = limits.Spent(d.exhausted())
}

// made is the value that was written to the arena from start on.
func (d *Document) made(kind Kind, start int) (Value, error) {
	if len(d.arena) > d.limit {
		return Value{}, limits.ErrTooLarge
	}
	return Value{Kind: kind, Raw: d.arena[start:len(d.arena):len(d.arena)]}, nil
}

func (d *Document) quoted(text []byte) Value {
	start := len(d.arena)
	d.arena = jsontext.AppendString(d.arena, text)
	return Value{Kind: String, Raw: d.arena[start:len(d.arena):len(d.arena)]}
}

// text is the decoded text of a String, without a copy where it has no escapes.
func (d *Document) text(v Value) []byte {
	inside := v.Raw[1 : len(v.Raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return inside
	}
	start := len(d.arena)
	d.arena = document.AppendUnquoted(d.arena, inside)
	return d.arena[start:len(d.arena):len(d.arena)]
}

// object constructs an object. Its keys stand in their own order, as gojq writes them; the values are copies of the
// text that they came from.
func (d *Document) object(e *expr, in Value) (Value, error) {
	base := len(d.stack)
	defer func() { d.stack = d.stack[:base] }()
	for i := range e.kvs {
		v, err := d.eval(e.kvs[i].value, in)
		if err != nil || v.Kind == Absent {
			return Value{}, err
		}
		d.stack = append(d.stack, v)
	}
	start := len(d.arena)
	d.arena = append(d.arena, '{')
	for n, i := range e.list {
		if n > 0 {
			d.arena = append(d.arena, ',')
		}
		d.arena = append(d.arena, e.kvs[i].prefix...)
		if d.arena = append(d.arena, d.stack[base+i].Raw...); len(d.arena) > d.limit {
			return Value{}, limits.ErrTooLarge
		}
	}
	d.arena = append(d.arena, '}')
	return d.made(Object, start)
}

// array collects the outputs of a part into an array.
func (d *Document) array(e *expr, in Value) (Value, error) {
	base := len(d.stack)
	defer func() { d.stack = d.stack[:base] }()
	err := d.each(e.l, in, func(v Value) error {
		d.stack = append(d.stack, v)
		return nil
	})
	if err != nil {
		return Value{}, err
	}
	start := len(d.arena)
	d.arena = append(d.arena, '[')
	for n, v := range d.stack[base:] {
		if n > 0 {
			d.arena = append(d.arena, ',')
		}
		if d.arena = append(d.arena, v.Raw...); len(d.arena) > d.limit {
			return Value{}, limits.ErrTooLarge
		}
	}
	d.arena = append(d.arena, ']')
	return d.made(Array, start)
}

// interpolate makes a string of its parts. Like gojq it evaluates the last part first.
func (d *Document) interpolate(e *expr, in Value) (Value, error) {
	base := len(d.stack)
	defer func() { d.stack = d.stack[:base] }()
	for i := len(e.parts) - 1; i >= 0; i-- {
		v, err := d.eval(e.parts[i], in)
		if err != nil || v.Kind == Absent {
			return Value{}, err
		}
		if v, err = toString(d, v, nil); err != nil {
			return Value{}, err
		}
		d.stack = append(d.stack, v)
	}
	start := len(d.arena)
	d.arena = append(d.arena, '"')
	for i := len(d.stack) - 1; i >= base; i-- {
		raw := d.stack[i].Raw
		d.arena = append(d.arena, raw[1:len(raw)-1]...)
	}
	d.arena = append(d.arena, '"')
	return d.made(String, start)
}
