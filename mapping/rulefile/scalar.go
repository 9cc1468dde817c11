package rulefile

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// isProgram tells a jq program from a literal by its first character.
func isProgram(s string) bool { return s != "" && (s[0] == '.' || s[0] == '$' || s[0] == '=') }

// value reads a place where both a program and a literal may stand.
func (r *reader) value(n *yamltree.Node) mapping.Term {
	v := mapping.Term{Pos: n.Place}
	switch n.Kind {
	case yamltree.Text:
		s := r.text(n)
		if isProgram(s) {
			v.Program = strings.TrimSpace(strings.TrimPrefix(s, "="))
			if v.Program == "" {
				r.fail(n, "the expression is empty: write one behind the =")
			}
			return v
		}
		v.Literal = jsontext.Of(s)
	case yamltree.Bool:
		v.Literal = strings.ToLower(n.Value)
	case yamltree.Number:
		v.Literal = r.number(n)
	case yamltree.Null:
		r.fail(n, "has no value; give one, or quote this expression if YAML cut it here")
	case yamltree.List, yamltree.Map:
		r.fail(n, "want one value, found %s; to make an object or a list write an expression such as "+
			"'= {a: .b}' and quote this expression", n.Describe())
	}
	return v
}

// program reads a place that is always a jq program.
func (r *reader) program(n *yamltree.Node) mapping.Term {
	before := r.mistakes.Len()
	v := r.value(n)
	if v.Program == "" && r.mistakes.Len() == before {
		r.fail(n, "want an expression, found the literal %s; an expression begins with . or $ or =",
			r.written(v.Literal))
	}
	return v
}

// text reads a string that every YAML parser takes for the same string.
func (r *reader) text(n *yamltree.Node) string {
	switch n.Kind {
	case yamltree.Text:
		if n.Block {
			return strings.TrimRight(n.Value, "\n")
		}
		switch {
		case !n.Plain:
		case isProgram(n.Value) && unbalanced(n.Value):
			r.fail(n, "YAML cuts this expression at a comma, a bracket, or a # after a space: quote this expression")
		case retyped(n.Value):
			r.fail(n, "some YAML parsers take %s for something other than a string: quote it", r.written(n.Value))
		}
		return n.Value
	case yamltree.Number, yamltree.Bool:
		r.fail(n, "want a string, found %s: quote it", r.written(n.Value))
	default:
		r.fail(n, "want a string, found %s", n.Describe())
	}
	return ""
}

// truth reads true or false.
func (r *reader) truth(n *yamltree.Node) bool {
	if n.Kind != yamltree.Bool {
		r.fail(n, "want true or false, found %s", n.Describe())
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// number reads a number as JSON writes it. Other spellings mean different things to different YAML parsers.
func (r *reader) number(n *yamltree.Node) string {
	s := n.Value
	switch {
	case s[0] == '.':
		r.fail(n, "YAML takes %s for a number: quote this expression", r.written(s))
	case !json.Valid([]byte(s)):
		r.fail(n, "the number %s has another value for other YAML parsers: write it in decimal, or quote it if it is "+
			"text", r.written(s))
	}
	return s
}

// unbalanced reports whether a program ends inside brackets or a string, which shows that YAML has cut it. A comment
// after a whole expression is harmless: jq would leave it out as well.
func unbalanced(program string) bool {
	depth, inString := 0, false
	for i := 0; i < len(program); i++ {
		switch c := program[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		}
	}
	return depth != 0 || inString
}

// retyped reports whether YAML 1.1 reads a plain scalar as a boolean, number or time where YAML 1.2 reads a string.
func retyped(s string) bool { return retypedPattern().MatchString(s) }

var retypedPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?i:y|yes|n|no|on|off)$` +
		`|^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$` + // sexagesimal
		`|^[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?$` +
		`|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$` +
		`|^[-+]?0[0-9]+$|^0[bBxX][0-9a-fA-F_]+$|^[=]$|^<<$`)
})
