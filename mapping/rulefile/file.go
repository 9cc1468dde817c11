package rulefile

import (
	"strings"

	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// File is a file of rules and of the tests that prove them.
type File struct {
	Define mapping.Definitions // which every one of Rules has
	Rules  []mapping.Rule
	Tests  []ruletest.Test
}

// fileKeys are the keys of a rule file.
var fileKeys = table[File]{
	{yamltree.Row{Key: "define",
		Meaning: "Functions in jq that all expressions of the file may call.",
		Example: "'def cents: . * 100;'",
		Form:    yamltree.InText}, func(r *reader, n *yamltree.Node, f *File) {
		f.Define = mapping.Definitions{Source: strings.TrimRight(r.text(n), "\n"), Pos: n.Place}
		if n.Block {
			f.Define.Pos.Line++ // the text begins below the sign of a block
		}
		if strings.TrimSpace(f.Define.Source) == "" {
			r.fail(n, "is empty: write functions such as def cents: . * 100;, or leave the key out")
		}
	}},
	{yamltree.Row{Key: "rules",
		Meaning: "The rules, each of which says which calls an event becomes.",
		Example: "[{name: order, event: order.placed, do: [{track: {person: .user_id, name: " +
			"order_placed}}]}]",
		Form: yamltree.InnerMap, Many: yamltree.ListOf, Inside: func() []yamltree.Row {
			return ruleKeys.rows()
		}}, func(r *reader, n *yamltree.Node, f *File) {
		if f.Rules = list(r, n, r.rule); f.Rules != nil && len(f.Rules) == 0 {
			r.fail(n, "the list is empty: write a rule, or leave the key out where the file has only tests")
		}
	}},
	{yamltree.Row{Key: "tests",
		Meaning: "Events, and the calls that they have to become. `check` runs them.",
		Example: "[{name: nobody, given: {event: {type: order.placed}}, want: {dead_letter: " +
			"missing_field}}]",
		Form: yamltree.InnerMap, Many: yamltree.ListOf, Inside: func() []yamltree.Row {
			return testKeys.rows()
		}}, func(r *reader, n *yamltree.Node, f *File) { f.Tests = list(r, n, r.test) }},
}

// Rows are the keys of a rule file, as they are read.
func Rows() []yamltree.Row { return fileKeys.rows() }

// Parse reads a rule file. Name is what mistakes call it. The error holds every mistake in the file's form, each with
// its place and the path of the field; what the expressions say is checked by mapping.Compile.
func Parse(name string, data []byte) (file File, err error) {
	tree, err := yamltree.Parse(name, data)
	r := &reader{}
	r.mistakes.Join(err)
	if tree == nil {
		return file, r.mistakes.Err()
	}
	if readMap(r, tree, fileKeys, &file) && r.mistakes.Len() == 0 && len(file.Rules)+len(file.Tests) == 0 {
		r.fail(tree, "holds no rule and no test; want the key rules")
	}
	for i := range file.Rules {
		file.Rules[i].Define = file.Define
	}
	return file, r.mistakes.Err()
}
