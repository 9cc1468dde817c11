package operand

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/sending"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// structure is a value that is an object or a list.
type structure struct {
	field *customerio.Field
	tree  Tree
}

// structure compiles a value that is an object or a list, and tries one that is a literal.
func (c *Compiler) structure(f *customerio.Field, from *Node) Operand {
	o := &structure{f, c.Tree(f.Key, from)}
	if known := !from.IsObject || c.knows(f, from); known && o.tree.isLiteral() {
		c.check(o, from.Pos)
	}
	return o
}

// Append writes the value as a member. Without any content the member is left out.
func (o *structure) Append(w *Writer) *Problem {
	before := len(w.Body)
	w.appendMember(o.field.Member())
	start := len(w.Body)
	var p *Problem
	switch o.field.Value {
	case customerio.AddressesValue:
		p = o.addresses(w)
	case customerio.TextsValue:
		p = o.texts(w)
	default:
		w.Body, _, p = o.tree.Append(w.Body, w)
		if p == nil && !isNothing(w.Body[start:]) {
			p = o.judge(w, w.Body[start:])
		}
	}
	if p == nil && !isNothing(w.Body[start:]) {
		return nil
	}
	w.Body = w.Body[:before]
	switch {
	case p == nil && o.field.Required:
		return o.tree.Problem(event.ReasonMissingField, "is absent or empty")
	case p == nil || o.field.Required || p.Err != nil || w.Spare == nil:
		return p
	}
	return w.Spare(p)
}

// isNothing reports whether JSON has no content.
func isNothing(raw []byte) bool {
	switch string(raw) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// judge looks at what was written.
func (o *structure) judge(w *Writer, raw []byte) *Problem {
	if what, tooLarge := sending.Check(o.field, raw); tooLarge {
		return o.tree.Problem(event.ReasonTooLarge, what)
	} else if what != "" {
		return o.tree.Problem(event.ReasonInvalidValue, what)
	}
	switch o.field.Value {
	case customerio.FilesValue:
		for files := expr.MembersOf(document.ValueAt(raw, 0, len(raw))); files.Next(); {
			w.Apart += len(files.Value.Raw) - len(`""`)
		}
	case customerio.PeopleValue:
		return o.people(w, raw)
	}
	return nil
}

// people adds the lanes of the people whom a list of objects names.
func (o *structure) people(w *Writer, raw []byte) *Problem {
	var list []struct{ ID, Email json.RawMessage }
	if json.Unmarshal(raw, &list) != nil {
		return o.tree.Problem(event.ReasonInvalidValue, "is no list of people")
	}
	for i := range list {
		kind, text := customerio.ID, list[i].ID
		if text == nil {
			kind, text = customerio.Email, list[i].Email
		}
		if p := o.person(w, kind, document.ValueAt(text, 0, len(text)), len(list) == 1); p != nil {
			return p
		}
	}
	return nil
}

// person leaves the text of an identifier in the writer, and adds its lane. A request that is about one person alone
// is about that person for the erasure, too; where there are several, Customer.io passes over who is gone.
func (o *structure) person(w *Writer, kind customerio.Identifier, v expr.Value, alone bool) *Problem {
	var what string
	if w.text, what = AppendIdentifier(w.text[:0], kind, v, w.Reserved); what != "" {
		return o.tree.Problem(event.ReasonInvalidValue, "names somebody by an identifier that "+what)
	}
	tell := w.Tell
	if !alone {
		w.Tell = nil
	}
	w.AddLane(kind, w.text)
	w.Tell = tell
	return nil
}

// texts writes a list of identifiers.
func (o *structure) texts(w *Writer) *Problem {
	w.Body = append(w.Body, '[')
	var given []expr.Value
	if p := o.tree.texts(w, func(v expr.Value, _ bool) *Problem {
		given = append(given, expr.Value{Kind: v.Kind, Raw: bytes.Clone(v.Raw)})
		return nil
	}); p != nil {
		return p
	}
	if len(given) > o.field.MaxEntries {
		return o.tree.Problem(event.ReasonTooLarge, fmt.Sprintf("has %d elements; Customer.io takes %d", len(given),
			o.field.MaxEntries))
	}
	for i, v := range given {
		if p := o.person(w, o.field.Who, v, len(given) == 1); p != nil {
			return p
		}
		if i > 0 {
			w.Body = append(w.Body, ',')
		}
		w.Body = jsontext.AppendString(w.Body, w.text)
	}
	w.Body = append(w.Body, ']')
	return nil
}

// addresses writes addresses of e-mail as one text. The call waits in the lanes of those that the event gives, and is
// about them. Addresses that the rule gives are no person of the event: many calls may have them.
func (o *structure) addresses(w *Writer) *Problem {
	var all []byte
	p := o.tree.texts(w, func(v expr.Value, given bool) *Problem {
		var what string
		if w.text, what = appendText(w.text[:0], v); what != "" || len(w.text) == 0 {
			if what == "" {
				return nil
			}
			return o.tree.Problem(event.ReasonInvalidValue, what)
		}
		addresses, count, what := sending.Addresses(w.text)
		if what != "" {
			return o.tree.Problem(event.ReasonInvalidValue, "has an address that "+what)
		}
		w.recipients += count
		if len(all) > 0 {
			all = append(all, ", "...)
		}
		all = append(all, w.text...)
		for _, address := range addresses {
			if given {
				w.AddLane(customerio.Email, address)
			}
		}
		return nil
	})
	if p == nil && w.recipients > customerio.MaxRecipients {
		p = o.tree.Problem(event.ReasonTooLarge, fmt.Sprintf("makes %d recipients with those of to, cc and bcc; "+
			"Customer.io takes %d", w.recipients, customerio.MaxRecipients))
	}
	w.Body = jsontext.AppendString(w.Body, all)
	return p
}
