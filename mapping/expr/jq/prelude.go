package jq

import (
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// The prelude defines some of gojq's functions anew, in front of the programs that use them. What a program defines
// itself comes before the prelude, and gojq's own definitions see nothing of it.

// redefined are the definitions by the name that a program uses. In a definition the name still means gojq's function
// where a copy of that has been made before it.
var redefined = func() map[string][]*gojq.FuncDef {
	sources := map[string]string{
		"add":        `def __addall: add; def add: __addable | __addall; def add(f): [f] | add;`,
		"fromjson":   `def fromjson: __fromjson;`,
		"implode":    `def __implode: implode; def implode: __codepoints | __implode;`,
		"tonumber":   `def __tonumber: tonumber; def tonumber: __numeral | __tonumber | __finite("tonumber");`,
		"_tobase64d": `def _tobase64d: __base64d;`,
		"_tourid":    `def __urid: _tourid; def _tourid: __urid | __text("@urid");`,
		"format": `def __format(f): format(f); def __urid: _tourid;
			def format(f): f as $f | if $f == "base64d" then __base64d elif $f == "urid"
				then __urid | __text("@urid") else __format($f) end;`,
	}
	for name := range roundings {
		sources[name] = strings.ReplaceAll(`def NAME: __NAME;`, "NAME", name)
	}
	forms := []string{
		`def __NAME: NAME; def NAME: __held("NAME") | __NAME;`,
		`def __NAME(a): NAME(a); def NAME(a): __held("NAME") | __NAME(a);`,
		`def __NAME(a; b): NAME(a; b); def NAME(a; b): __NAME(a | __held("NAME"); b | __held("NAME"));`,
		`def __NAME(a; b; c): NAME(a; b; c); 
		 def NAME(a; b; c): __NAME(a | __held("NAME"); b | __held("NAME"); c | __held("NAME"));`,
	}
	for i, names := range inFloats {
		for _, name := range names {
			sources[name] = strings.ReplaceAll(forms[i], "NAME", name)
		}
	}
	defs := map[string][]*gojq.FuncDef{}
	for name, src := range sources {
		q, err := gojq.Parse(src + " .")
		if err != nil {
			panic("jq: " + src + ": " + err.Error())
		}
		defs[name] = q.FuncDefs
	}
	return defs
}()

// redefine puts the definitions of what q uses in front of q, the library's behind those that it uses, and functions
// in the place of operators.
func redefine(q *gojq.Query, library []*gojq.FuncDef) *gojq.Query {
	redefineOperators(q)
	var defs []*gojq.FuncDef
	seen := map[string]bool{}
	use := func(name string) {
		if !seen[name] {
			seen[name] = true
			defs = append(defs, redefined[name]...)
		}
	}
	v := syntax.Visitor{Name: use, Term: func(t *gojq.Term) {
		switch t.Format {
		case "@base64d":
			use("_tobase64d")
		case "@urid":
			use("_tourid")
		}
	}}
	v.Visit(q)
	for _, def := range library {
		v.Visit(def.Body)
	}
	out := *q
	out.FuncDefs = slices.Concat(defs, library, q.FuncDefs)
	return &out
}

func redefineOperators(q *gojq.Query) {
	v := syntax.Visitor{Query: func(q *gojq.Query) {
		switch name := orderings[q.Op]; {
		case q.Term != nil:
		case name != "":
			syntax.Replace(q, syntax.Call(name, q.Left, q.Right))
		case q.Op == gojq.OpDiv:
			syntax.Replace(q, syntax.Call("__divide", q.Left, q.Right))
		case q.Op == gojq.OpMod:
			syntax.Replace(q, syntax.Call("__modulo", q.Left, q.Right))
		}
	}}
	v.Visit(q)
}

// natives are the functions that the prelude and the operators stand on.
var natives = func() []gojq.CompilerOption {
	options := []gojq.CompilerOption{
		gojq.WithFunction("__addable", 0, 0, addable),
		gojq.WithFunction("__base64d", 0, 0, base64Text),
		gojq.WithFunction("__codepoints", 0, 0, codePoints),
		gojq.WithFunction("__divide", 2, 2, divide),
		gojq.WithFunction("__finite", 1, 1, finite),
		gojq.WithFunction("__fromjson", 0, 0, jsonText),
		gojq.WithFunction("__held", 1, 1, held),
		gojq.WithFunction("__modulo", 2, 2, modulo),
		gojq.WithFunction("__numeral", 0, 0, numeral),
		gojq.WithFunction("__text", 1, 1, decodedText),
	}
	for name, f := range roundings {
		options = append(options, gojq.WithFunction("__"+name, 0, 0, rounding(name, f)))
	}
	for op, name := range orderings {
		options = append(options, gojq.WithFunction(name, 2, 2, ordering(Comparisons[op])))
	}
	return options
}()
