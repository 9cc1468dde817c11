package rulefile

import (
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

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
		}},
		{yamltree.Row{Key: "rule", Meaning: "The rule that made the call or the dead letter.", Example: "order",
			Form: yamltree.InText}, func(r *reader, n *yamltree.Node, w *ruletest.Want) { w.Rule = r.text(n) }},
		{yamltree.Row{Key: "call", Meaning: "The name of the call in its rule.", Example: "track:order_placed",
			Form: yamltree.InText}, func(r *reader, n *yamltree.Node, w *ruletest.Want) { w.Name = r.text(n) }},
		{yamltree.Row{Key: "id", Meaning: "The call's identity.", Example: "01KB2V5B804R7Y2RJ3K1YV1S6R",
			Form: yamltree.InText}, func(r *reader, n *yamltree.Node, w *ruletest.Want) { w.ID = r.text(n) }},
		{yamltree.Row{Key: "field", Meaning: "Beside `dead_letter`: the field in the rule.", Example: "data.total",
			Form: yamltree.InText}, func(r *reader, n *yamltree.Node, w *ruletest.Want) { w.Part = r.text(n) }},
	}
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
	if !readMap(r, node, wantKeys, &w) {
		return w
	}
	switch {
	case (w.Action == "") == (w.DeadLetter == ""):
		r.fail(node, "want one action or dead_letter in each element")
	case w.Part != "" && w.Action != "":
		r.fail(node, "field is for a dead_letter: of a call write what it has below the action's name")
	case w.ID != "" && w.DeadLetter != "":
		r.fail(node, "id is for a call")
	}
	return w
}

func reasonNames() (names []string) {
	for _, reason := range event.Reasons() {
		names = append(names, string(reason))
	}
	return names
}
