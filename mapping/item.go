package mapping

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// Limits of a record that holds several events.
const (
	maxItems       = 10_000
	maxItemsFailed = 1000 // failures of all of them
)

// inside is a program that finds something within a record: a document, or events. It runs before the programs that
// read an event, on a document of its own.
type inside struct {
	set  *expr.Set
	prog *expr.Program
	list *expr.Program // prog without its last [], where that leaves a path
}

// inside compiles the program of an envelope that finds something within a record; nil for none.
func (b *compiler) inside(t Term, where string) *inside {
	in := &inside{set: expr.NewSet()}
	if in.prog = b.programIn(in.set, t, where); in.prog == nil {
		return nil
	}
	if path, ok := strings.CutSuffix(in.prog.String(), "[]"); ok {
		if list, err := in.set.Compile(path); err == nil && list.Path() != "" {
			in.list = list
		}
	}
	in.set.Seal()
	return in
}

// within is what is found within a record, and the memory that finding it takes.
type within struct {
	value, document, item opened        // of the record, by from, by each
	from, each            expr.Document // in which those look
	items                 []expr.Value
}

// opened is what was wrapped.
type opened struct {
	record.Opener
	text []byte
}

// release lets go of what was found, and of memory that is too large to be kept.
func (w *within) release() {
	if w == nil {
		return
	}
	clear(w.items)
	if w.items = w.items[:0]; cap(w.items) > maxKeptState/64 {
		w.items = nil
	}
}

// events finds the events of the current message, takes each up, and calls visit for it until that fails.
func (c *compiled) events(s *state, visit func() *problem) *problem {
	e := s.envelope
	if e.from == nil && e.each == nil || record.Empty(&s.m, s.content).Operation != "" {
		return visit()
	}
	if s.within == nil {
		s.within = &within{}
	}
	if p := s.findDocument(e.from); p != nil {
		return p
	}
	if e.each == nil || e.batch && !s.isBatch() {
		return visit()
	}
	if p := s.findItems(e.each); p != nil {
		return p
	}
	where := fmt.Sprintf("an event of %s", s.where)
	c.pool.provide(s, len(s.content))
	for i, v := range s.within.items {
		if s.begin(i+1, v.Raw); i > 0 {
			s.doc.Carry()
		}
		s.where = where
		if v.Kind == expr.String {
			if p := s.openText(&s.within.item, v); p != nil {
				s.failEvent(p)
				continue
			}
		}
		if p := visit(); p != nil {
			return p
		}
	}
	return nil
}

// findDocument finds the document that from names, which becomes the content. Where from gives nothing the record holds
// no event.
func (s *state) findDocument(in *inside) *problem {
	if in == nil {
		return nil
	}
	w := s.within
	value, err := w.value.Open(s.content)
	if err != nil {
		return s.openProblem(err)
	}
	s.content = value
	if err := w.from.Parse(in.set, value); err != nil {
		return s.contentProblem(err)
	}
	s.record = w.from.Root()
	w.from.BindFunc("message", s.message)
	v, ok := in.prog.Find(&w.from)
	if !ok {
		if v, err = in.prog.One(&w.from); err != nil {
			return evalProblem(in.prog, "from", err)
		}
	}
	s.where = "what from gives"
	switch v.Kind {
	case expr.Absent:
		s.content = document.NullValue.Raw
	case expr.Null:
		return missing(in.prog, "from", v)
	case expr.String:
		return s.openText(&w.document, v)
	default:
		s.content = v.Raw
	}
	return nil
}

// findItems finds the events that each names.
func (s *state) findItems(in *inside) *problem {
	w := s.within
	if err := w.each.Parse(in.set, s.content); err != nil {
		return s.contentProblem(err)
	}
	if s.record.Kind == expr.Absent {
		s.record = w.each.Root()
	}
	w.each.BindFunc("message", s.message)
	w.each.Bind("record", s.record)
	var why *problem
	add := func(v expr.Value) error {
		if v.Kind == expr.Null {
			why = missing(in.prog, "each", v)
		} else if w.items = appendItems(w.items, v); len(w.items) > maxItems {
			why = &problem{reason: event.ReasonTooLarge, field: "each",
				detail: "the record holds more than 10,000 events"}
		}
		if why != nil {
			return errStop
		}
		return nil
	}
	w.items = w.items[:0]
	v, ok := in.prog.Find(&w.each)
	if !ok && in.list != nil {
		v, ok = in.list.Find(&w.each)
		ok = ok && v.Kind == expr.Array
	}
	var err error
	if ok {
		err = add(v)
	} else {
		err = in.prog.Each(&w.each, add)
	}
	if err != nil && why == nil {
		why = evalProblem(in.prog, "each", err)
	}
	return why
}

// appendItems appends the elements of an array, or the value itself.
func appendItems(items []expr.Value, v expr.Value) []expr.Value {
	if v.Kind != expr.Array {
		return append(items, v)
	}
	for at := document.SkipSpace(v.Raw, 1); v.Raw[at] != ']' && len(items) <= maxItems; {
		end := document.SkipValue(v.Raw, at)
		items = append(items, document.ValueAt(v.Raw, at, end))
		at = document.SkipComma(v.Raw, end)
	}
	return items
}

// openText makes the document in a text the content.
func (s *state) openText(o *opened, v expr.Value) *problem {
	o.text = v.AppendString(o.text[:0])
	content, err := o.Open(o.text)
	if err != nil {
		return s.openProblem(err)
	}
	s.content = content
	return nil
}

func (s *state) openProblem(err error) *problem {
	p := &problem{reason: event.ReasonUndecodable, detail: s.where + ": " + err.Error()}
	var wrapped *record.Error
	if errors.As(err, &wrapped) && wrapped.TooLong {
		p.reason = event.ReasonTooLarge
	}
	return p
}

// tooMuch says why a record is given up as a whole, or is nil: it bounds what one record can cost.
func (s *state) tooMuch() *problem {
	switch {
	case len(s.calls) > maxCalls || len(s.body) > maxBytes:
		return &problem{reason: event.ReasonTooLarge, field: "each",
			detail: "the events of the record become more than 10,000 calls or 8 MiB"}
	case len(s.failures) > maxItemsFailed:
		last := &s.failures[len(s.failures)-1]
		return &problem{reason: last.Reason, field: last.Field,
			detail: "the record's events have more than 1,000 failures; the last: " + last.Detail}
	}
	return nil
}

// failRecord fails the record as a whole, in place of whatever its events became.
func (s *state) failRecord(p *problem) {
	s.rollBack(savepoint{})
	s.begin(0, s.m.Value)
	s.failEvent(p)
}
