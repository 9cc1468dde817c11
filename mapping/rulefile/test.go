package rulefile

import (
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// testKeys are the keys of a test.
var testKeys = table[ruletest.Test]{
	{yamltree.Row{Key: "name",
		Meaning: "The name of the test.",
		Example: "an order by nobody",
		Form:    yamltree.InText, Required: true},
		func(r *reader, n *yamltree.Node, t *ruletest.Test) { t.Name = r.text(n) }},
	{yamltree.Row{Key: "given",
		Meaning: "What the test begins with: a record with `event` or `file`.",
		Example: "{event: {type: order.placed, total: 0}}",
		Form:    yamltree.InnerMap, Required: true, Inside: func() []yamltree.Row {
			return givenKeys.rows()
		}}, func(r *reader, n *yamltree.Node, t *ruletest.Test) { readMap(r, n, givenKeys, &t.Given) }},
	{yamltree.Row{Key: "want",
		Meaning: "The calls and dead letters that come of it, in order. An empty list wants none.",
		Example: "[{track: {name: order_placed}}]",
		Form:    yamltree.InnerMap, Many: yamltree.OneOrMany, Required: true, Inside: wantRows},
		func(r *reader, n *yamltree.Node, t *ruletest.Test) { t.Want = oneOrList(r, n, r.want) }},
}

func (r *reader) test(node *yamltree.Node) ruletest.Test {
	t := ruletest.Test{Pos: node.Place}
	before := r.mistakes.Len()
	if !readMap(r, node, testKeys, &t) || r.mistakes.Len() > before {
		return t
	}
	if t.Name == "" || (node.Get("given").Get("event") != nil) == (t.Given.File != "") {
		r.fail(node, "a test needs name, want, and given with either event or file")
	}
	return t
}

// givenKeys are the keys of what a test begins with.
var givenKeys = table[ruletest.Given]{
	{yamltree.Row{Key: "event",
		Meaning: "The record's value: YAML that becomes JSON, or a text as it is. `null` is a record " +
			"without a value.",
		Example: "{type: order.placed, total: 10}",
		Form:    yamltree.InRecord},
		func(r *reader, n *yamltree.Node, g *ruletest.Given) {
			switch n.Kind {
			case yamltree.Map, yamltree.List:
				g.Event = r.json(n)
			case yamltree.Null:
				g.NoValue = true
			default:
				g.Event = r.text(n)
			}
		}},
	{yamltree.Row{Key: "file",
		Meaning: "In place of `event`: a file that holds the value, relative to the rule file.",
		Example: "testdata/order.json",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, g *ruletest.Given) { g.File = r.text(n) }},
	{yamltree.Row{Key: "topic",
		Meaning: "The topic or stream of the record, whose envelope counts.",
		Example: "shop.orders",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, g *ruletest.Given) { g.Topic = r.text(n) }},
	{yamltree.Row{Key: "subject",
		Meaning: "The subject of a message of JetStream.",
		Example: "orders.eu",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, g *ruletest.Given) { g.Subject = r.text(n) }},
	{yamltree.Row{Key: "key",
		Meaning: "The key of the record.",
		Example: "customer-7",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, g *ruletest.Given) { g.Key = r.text(n) }},
	{yamltree.Row{Key: "headers",
		Meaning: "The headers of the record.",
		Example: "{ce_type: order.placed}",
		Form:    yamltree.InnerMap, Inside: func() []yamltree.Row {
			return []yamltree.Row{{Form: yamltree.InText, Meaning: "A name, and the header's value.", Example: "a1"}}
		}}, func(r *reader, n *yamltree.Node, g *ruletest.Given) { g.Headers = r.headers(n) }},
	{yamltree.Row{Key: "time",
		Meaning: "The broker's time for the record, with its zone and in quotes.",
		Example: "'2026-01-31T00:00:00Z'",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, g *ruletest.Given) {
			if g.Time = r.text(n); g.Time == "" {
				return
			}
			if _, ok := document.ParseTime(g.Time); !ok {
				r.fail(n, "is no time with its zone: write one such as 2026-01-31T00:00:00Z, in quotes")
			}
		}},
}

func (r *reader) headers(node *yamltree.Node) (out []mapping.Field) {
	r.entries(node, func(name string, _, value *yamltree.Node) {
		out = append(out, mapping.Field{Name: name, Value: mapping.Term{Literal: r.text(value)}})
	})
	return out
}

// wantKeys are the keys of what a test expects: an action, or a reason.
var wantKeys = func() table[ruletest.Want] {
	t := table[ruletest.Want]{{yamltree.Row{Key: "dead_letter",
		Meaning: "The event is a dead letter for this reason.",
		Example: "missing_field",
		Form:    yamltree.InText, Choices: reasonNames()},
		func(r *reader, n *yamltree.Node, w *ruletest.Want) {
			w.DeadLetter = event.Reason(r.text(n))
			if !slices.Contains(event.Reasons(), w.DeadLetter) {
				r.fail(n, "no reason %q%s; want %s", w.DeadLetter, choice.Near(string(w.DeadLetter), reasonNames()),
					choice.List(reasonNames()))
			}
		}}}
	for _, action := range actionNames() {
		example := "{timestamp: 1791194400}"
		if action == customerio.RawRequest.Operation().Name {
			example = "{method: GET}"
		}
		t = append(t, row[ruletest.Want]{yamltree.Row{Key: action, Form: yamltree.InJSON,
			Meaning: "A call of this action. Only what stands here is compared.", Example: example,
			Inside: func() []yamltree.Row { return comparedRows(action) }},
			func(r *reader, n *yamltree.Node, w *ruletest.Want) {
				if w.Action != "" {
					r.fail(n, "one action in each element; give %s an element of its own", action)
				}
				w.Action, w.Call = action, "{}"
				if n.Kind != yamltree.Null {
					r.compared(n, action)
					w.Call = r.json(n)
				}
			}})
	}
	return t
}()

// comparedRows are the keys of a call of an action as tests compare it.
func comparedRows(action string) []yamltree.Row {
	rows := []yamltree.Row{workspaceCompared, {Key: "timestamp", Form: yamltree.InJSON, Example: "1791194400",
		Meaning: "The time of the call, in unix seconds."}}
	op := customerio.ParseAction(action).Operation()
	if op.Field(customerio.RequestField) != nil {
		return requestCompared
	}
	fields := op.Fields
	for i := range fields {
		f := &fields[i]
		if f.Kind != customerio.ExceptField && f.Kind != customerio.TimestampField {
			row := comparedRow(f)
			row.Key, row.Form = f.Key, yamltree.InJSON
			rows = append(rows, row)
		}
	}
	return rows
}

// comparedRow says what a call has under the key of a field, as tests compare it.
func comparedRow(f *customerio.Field) yamltree.Row {
	switch f.Kind {
	case customerio.PersonField, customerio.OtherPersonField:
		if len(f.Identifiers) == 1 {
			return yamltree.Row{Meaning: "Who the call is about.", Example: "ann@example.com"}
		}
		return yamltree.Row{Meaning: "Who the call is about: an id, or a map with the kind of the identifier.",
			Example: "c_7"}
	case customerio.NameField:
		return yamltree.Row{Meaning: "The name that is sent.", Example: "order_placed"}
	case customerio.AttributesField:
		return yamltree.Row{Meaning: "Attributes that are sent.", Example: "{plan: gold}"}
	case customerio.RemovalsField:
		return yamltree.Row{Meaning: "Attributes that are removed.", Example: "[trial_ends_at]"}
	case customerio.DataField:
		return yamltree.Row{Meaning: "Data that are sent.", Example: "{total: 10}"}
	case customerio.ObjectField:
		return yamltree.Row{Meaning: "The object that is named.", Example: "{type: '1', id: acme}"}
	case customerio.RelationshipsField:
		if len(f.Identifiers) > 0 {
			return yamltree.Row{Meaning: "The persons to whom the object is related.", Example: "[{person: c_7}]"}
		}
		return yamltree.Row{Meaning: "The objects to which the person is related.",
			Example: "[{object: {type: '1', id: acme}, attributes: {role: boss}}]"}
	case customerio.TopicsField:
		return yamltree.Row{Meaning: "Topics that are changed.", Example: "{topic_1: true}"}
	case customerio.UpdateOnlyField:
		return yamltree.Row{Meaning: "Whether the call makes no person.", Example: "true"}
	}
	return yamltree.Row{Meaning: "The value that is sent.", Example: "a1"}
}

// compared refuses a key that no call of an action has: with it a test could never pass, or tell why.
func (r *reader) compared(n *yamltree.Node, action string) {
	var known []string
	for _, row := range comparedRows(action) {
		known = append(known, row.Key)
	}
	slices.Sort(known)
	r.entries(n, func(key string, keyNode, _ *yamltree.Node) {
		if !slices.Contains(known, key) {
			r.unknownKey(keyNode, known)
		}
	})
}

func wantRows() []yamltree.Row { return wantKeys.rows() }

func (r *reader) want(node *yamltree.Node) (w ruletest.Want) {
	if readMap(r, node, wantKeys, &w) && (w.Action == "") == (w.DeadLetter == "") {
		r.fail(node, "want one action or dead_letter in each element")
	}
	return w
}

func reasonNames() (names []string) {
	for _, reason := range event.Reasons() {
		names = append(names, string(reason))
	}
	return names
}

// json writes YAML as JSON: numbers keep their digits, and strings are those that every YAML parser sees.
func (r *reader) json(n *yamltree.Node) string {
	switch n.Kind {
	case yamltree.Bool:
		return strings.ToLower(n.Value)
	case yamltree.Number:
		return r.number(n)
	case yamltree.Text:
		return jsontext.Of(r.text(n))
	case yamltree.List:
		return "[" + strings.Join(list(r, n, r.json), ",") + "]"
	case yamltree.Map:
		var members []string
		r.entries(n, func(key string, _, value *yamltree.Node) {
			members = append(members, jsontext.Of(key)+":"+r.json(value))
		})
		return "{" + strings.Join(members, ",") + "}"
	}
	return "null"
}
