package rulefile

import (
	"path/filepath"
	"strings"

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
		Form:    yamltree.InnerMap, Many: yamltree.OneOrMany, Inside: wantRows},
		func(r *reader, n *yamltree.Node, t *ruletest.Test) { t.Want = oneOrList(r, n, r.want) }},
	{yamltree.Row{Key: "exact",
		Meaning: "True where calls must have nothing beside what `want` says of them.",
		Example: "true", Default: "false",
		Form: yamltree.InBool}, func(r *reader, n *yamltree.Node, t *ruletest.Test) { t.Exact = r.truth(n) }},
	{yamltree.Row{Key: "golden",
		Meaning: "In place of `want`: a file below the rule file's folder that holds all of what comes of the event. " +
			"`test --update` writes it.",
		Example: "testdata/orders.golden.json",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, t *ruletest.Test) {
			if t.Golden = r.text(n); !filepath.IsLocal(t.Golden) {
				r.fail(n, "is no path of a file below the folder of the rule file")
			}
		}},
	{yamltree.Row{Key: "mask",
		Meaning: "Places in calls whose values vary: each has to be there, whatever it is. `*` is any member and any " +
			"element of a list; `id` is the call's.",
		Example: "[data.receipt_id, relationships.*.object]",
		Form:    yamltree.InText, Many: yamltree.OneOrMany},
		func(r *reader, n *yamltree.Node, t *ruletest.Test) { t.Mask = oneOrList(r, n, r.mask) }},
}

func (r *reader) mask(n *yamltree.Node) string {
	path := r.text(n)
	if !ruletest.Mask(path) {
		r.fail(n, "is no path in a call: want names with dots between, such as data.total")
	}
	return path
}

func (r *reader) test(node *yamltree.Node) ruletest.Test {
	t := ruletest.Test{Pos: node.Place}
	before := r.mistakes.Len()
	if !readMap(r, node, testKeys, &t) || r.mistakes.Len() > before {
		return t
	}
	wanted := node.Get("want") != nil
	switch {
	case t.Name == "" || (node.Get("given").Get("event") != nil) == (t.Given.File != ""):
		r.fail(node, "a test needs name, want or golden, and given with either event or file")
	case !wanted && t.Golden == "":
		r.fail(node, "needs want, or golden")
	case wanted && t.Golden != "":
		r.fail(node, "a test needs either want or golden")
	case t.Golden != "" && t.Exact:
		r.fail(node, "golden compares all of a call as it is: leave exact out")
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
