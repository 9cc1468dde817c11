package mapping

import (
	"fmt"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/record"
)

// inside is a program that finds something within a record: a document, or events. It runs before the programs that
// read an event, on a document of its own.
type inside struct {
	set  *expr.Set
	prog *expr.Program
	list *expr.Program // prog without its last [], where that leaves a path

	names []string // of the members that lead to the list; nil where it is found in another way
}

// within is what is found within a record, and the memory that finding it takes.
type within struct {
	value, document, item opened        // of the record, by from, by each
	from, each, check     expr.Document // in which those look, and an item that is looked at
	items                 []expr.Value
}

// opened is what was wrapped.
type opened struct {
	record.Opener
	text []byte
}

// events finds the events of the current message, takes each up, and calls visit for it until that fails.
func (c *compiled) events(s *state, visit func() *problem) *problem {
	e := s.envelope
	if e.from == nil && e.each == nil || s.isEmpty() {
		return visit()
	}
	if s.within == nil {
		s.within = &within{}
	}
	if p := s.findDocument(e.from); p != nil {
		return p
	}
	if e.each == nil || s.isEmpty() || e.batch && !s.isBatch() {
		return visit()
	}
	if p := s.findItems(e.each); p != nil {
		return p
	}
	if len(s.within.items) == 0 {
		c.skipped(s, event.SkippedNoEvent)
		s.remark(explain.Remark{Why: explain.NoEvent, Detail: "the list of events is empty"})
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

// findDocument finds the document that from names, which becomes the content. Where from gives nothing, or leads to a
// null, the record holds no event.
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
	case expr.Null:
		if in.prog.Missing(&w.from) {
			return wrong(event.ReasonMissingField, "from", in.prog, "is absent")
		}
		s.content = v.Raw
	case expr.Absent:
		s.content = document.NullValue.Raw
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
	w.items = w.items[:0]
	if err := w.each.Parse(in.set, s.content); err != nil {
		if s.splitItems(in) {
			return s.tooMany()
		}
		return s.contentProblem(err)
	}
	if s.record.Kind == expr.Absent {
		s.record = w.each.Root()
	}
	w.each.BindFunc("message", s.message)
	w.each.Bind("record", s.record)
	v, ok := in.prog.Find(&w.each)
	if !ok && in.list != nil {
		v, ok = in.list.Find(&w.each)
		ok = ok && (v.Kind == expr.Array || v.Kind == expr.Null)
	}
	switch {
	case !ok:
		return s.computeItems(in)
	case v.Kind == expr.Null: // what Go writes for a list that has no elements
		return nil
	}
	w.items = appendItems(w.items, v)
	return s.tooMany()
}

// computeItems finds the events that a program gives which leads to no list.
func (s *state) computeItems(in *inside) *problem {
	w := s.within
	var why *problem
	err := in.prog.Each(&w.each, func(v expr.Value) error {
		if v.Kind == expr.Null {
			why = missing(in.prog, "each", v)
		} else {
			w.items = appendItems(w.items, v)
			why = s.tooMany()
		}
		if why != nil {
			return errStop
		}
		return nil
	})
	path := in.prog
	if in.list != nil {
		path = in.list
	}
	switch {
	case err != nil && path.Path() != "" && path.Missing(&w.each):
		why = wrong(event.ReasonMissingField, "each", path, "is absent; where that may be, write "+path.Path()+" // []")
	case err != nil && why == nil:
		why = evalProblem(in.prog, "each", err)
	}
	return why
}

// splitItems finds the events in content that is not one document: on lines, or in a list of which some are bad. It
// reports whether it could. What stands around the list must be as strict as any document.
func (s *state) splitItems(in *inside) bool {
	w := s.within
	if in.names == nil {
		return false
	}
	if lines := record.Lines(s.content); lines != nil && len(in.names) == 0 {
		w.appendUnread(in, lines)
		return true
	}
	items, start, end, ok := record.Items(s.content, in.names)
	if !ok {
		return false
	}
	rest := append(append([]byte(nil), s.content[:start]...), "[]"...)
	if w.each.Parse(in.set, append(rest, s.content[end:]...)) != nil {
		return false
	}
	w.appendUnread(in, items)
	if s.record.Kind == expr.Absent {
		s.record = w.each.Root()
	}
	return true
}

// appendUnread adds events of which nothing is known but where they end. The text of a string will be opened, so that a
// string must be right to count as one.
func (w *within) appendUnread(in *inside, items [][]byte) {
	for _, item := range items {
		v := expr.Value{Kind: expr.Object, Raw: item}
		if len(item) > 0 && item[0] == '"' && w.check.Parse(in.set, item) == nil {
			v.Kind = expr.String
		}
		if w.items = append(w.items, v); len(w.items) > maxItems {
			return
		}
	}
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
