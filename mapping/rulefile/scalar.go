package rulefile

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping"
)

// isProgram tells a jq program from a literal by its first character.
func isProgram(s string) bool { return s != "" && (s[0] == '.' || s[0] == '$' || s[0] == '=') }

// value reads a place where both a program and a literal may stand.
func (r *reader) value(node ast.Node, at string) mapping.Term {
	v := mapping.Term{Pos: r.pos(node)}
	switch n := node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		s := r.text(node, at)
		if isProgram(s) {
			v.Program = strings.TrimSpace(strings.TrimPrefix(s, "="))
			if v.Program == "" {
				r.fail(node, at, "the expression is empty")
			}
			return v
		}
		v.Literal = jsontext.Of(s)
	case *ast.BoolNode:
		v.Literal = jsontext.Of(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		v.Literal = r.number(node, at)
	case *ast.NullNode:
		r.fail(node, at, "has no value; give one, or quote this expression if YAML cut it here")
	case *ast.SequenceNode, ast.MapNode:
		r.fail(node, at, "want one value, found %s; to make an object or a list write an expression such as "+
			"'= {a: .b}' and quote this expression", describe(node))
	default:
		r.unusual(node, at)
	}
	return v
}

// program reads a place that is always a jq program.
func (r *reader) program(node ast.Node, at string) mapping.Term {
	mistakes := len(r.errs)
	v := r.value(node, at)
	if v.Program == "" && len(r.errs) == mistakes {
		r.fail(node, at, "want an expression, found the literal %s; an expression begins with . or $ or =",
			r.written(v.Literal))
	}
	return v
}

// text reads a string that every YAML parser takes for the same string.
func (r *reader) text(node ast.Node, at string) string {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return strings.TrimRight(n.Value.Value, "\n")
	case *ast.StringNode:
		switch {
		case !isPlain(n):
		case isProgram(n.Value) && unbalanced(n.Value):
			r.fail(node, at, "YAML cuts this expression at a comma, a bracket, or a # after a space: quote this "+
				"expression")
		case retyped(n.Value):
			r.fail(node, at, "some YAML parsers take %s for something other than a string: quote it",
				r.written(n.Value))
		}
		return n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		r.fail(node, at, "want a string, found %s: quote it", r.written(node.GetToken().Value))
	case *ast.TagNode, *ast.AnchorNode, *ast.AliasNode:
		r.unusual(node, at)
	default:
		r.fail(node, at, "want a string, found %s", describe(node))
	}
	return ""
}

// number reads a number as JSON writes it. Other spellings mean different things to different YAML parsers.
func (r *reader) number(node ast.Node, at string) string {
	s := node.GetToken().Value
	switch {
	case s[0] == '.':
		r.fail(node, at, "YAML takes %s for a number: quote this expression", r.written(s))
	case !json.Valid([]byte(s)):
		r.fail(node, at, "the number %s has another value for other YAML parsers: write it in decimal, or quote it "+
			"if it is text", r.written(s))
	}
	return s
}

// unusual refuses what Helm or kubectl would resolve or drop on the way.
func (r *reader) unusual(node ast.Node, at string) {
	r.fail(node, at, "%s has no place in a rule file; quote this expression if it is one", describe(node))
}

func describe(node ast.Node) string {
	switch node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a map"
	case *ast.TagNode:
		return "a YAML tag"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "a YAML anchor"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.BoolNode:
		return "true or false"
	}
	return "a number"
}

func isPlain(n *ast.StringNode) bool { return n.Token.Type == token.StringType }

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
func retyped(s string) bool { return retypedPattern.MatchString(s) }

var retypedPattern = regexp.MustCompile(`^(?i:y|yes|n|no|on|off)$` +
	`|^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$` + // sexagesimal
	`|^[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?$` +
	`|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$` +
	`|^[-+]?0[0-9]+$|^0[bBxX][0-9a-fA-F_]+$|^[=]$|^<<$`)

// holdsExpression reports whether a line of YAML has an unquoted expression after a key, a dash or a bracket.
func holdsExpression(line string) bool { return expressionPattern.MatchString(line) }

var expressionPattern = regexp.MustCompile(`(^|[:\[{,-])\s*[.$=]`)
