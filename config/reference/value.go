package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/yamltree"
)

// writer writes the schema of what stands in one place.
type writer struct {
	// strict is set where values read themselves: there nothing is no value, a number no text, and what is required
	// has to be there. Elsewhere several files may make one configuration.
	strict  bool
	expands bool // ${} may stand in a text
}

const (
	expansion  = `(^|[^$])\$\{`
	expression = `^[.$=]`
	duration   = `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
)

// matching is the schema of a text in a form. Editors show what is wanted in place of the regular expression; other
// tools pass the keyword by.
func matching(pattern, want string) schema {
	return schema{"type": "string", "pattern": pattern, "patternErrorMessage": want}
}

func sorted(s schema) []string { return slices.Sorted(maps.Keys(s)) }

// object is the schema of a map.
func (w writer) object(rows []yamltree.Row) schema {
	properties, required := schema{}, []string{}
	out := schema{"type": "object", "additionalProperties": false}
	for _, r := range rows {
		if r.Key == "" {
			out["additionalProperties"] = w.row(r)
			continue
		}
		properties[r.Key] = w.row(r)
		if w.strict && r.Required {
			required = append(required, r.Key)
		}
	}
	out["properties"], out["title"] = properties, title(rows)
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// mostTold is how many keys a title has.
const mostTold = 4

// title is what an editor calls a map, where it says that one is wanted.
func title(rows []yamltree.Row) string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = keyOf(r)
	}
	if len(keys) > mostTold {
		keys = append(keys[:mostTold], "…")
	}
	return "a map of " + strings.Join(keys, ", ")
}

// row is the schema of what stands under a key.
func (w writer) row(r yamltree.Row) schema {
	item := w
	item.strict = w.strict || r.Strict
	if r.Key == "rules" || r.Key == "envelope" { // expressions stand below
		item.expands = false
	}
	one := item.one(r)
	if !item.strict && r.Many != yamltree.One {
		one = append(one, schema{"type": "null"})
	}
	all := one
	switch {
	case r.Many == yamltree.One:
	case w.strict && r.Many == yamltree.OneOrMany:
		all = append(slices.Clone(one), schema{"type": "array", "items": join(one)})
	case w.strict:
		all = []schema{{"type": "array", "items": join(one)}}
	case r.Form == yamltree.InText || r.Form == yamltree.TextOrMap: // a text with commas may stand for a list
		if r.Many == yamltree.ListOf && r.Form == yamltree.InText { // a list of lists
			one = []schema{{"type": []string{"string", "null"}}, {"type": "array", "items": join(one)}}
		}
		all = []schema{{"type": "array", "items": join(one)}, {"type": "string"}}
	default:
		all = []schema{{"type": "array", "items": join(one)}}
	}
	if !w.strict && r.Form != yamltree.SecretRef && (r.Many != yamltree.One || !r.Strict) {
		all = append(slices.Clone(all), schema{"type": "null"})
	}
	out := join(all)
	out["description"] = describe(r)
	if r.Default != "" {
		out["default"] = literal(r)
	}
	if len(r.Choices) > 0 && len(all) > 1 {
		out["examples"] = r.Choices // editors offer them, which do not look for words below a condition
	}
	return out
}

// one is what may stand in one place: one of several schemas.
func (w writer) one(r yamltree.Row) (any []schema) {
	switch r.Form {
	case yamltree.InText, yamltree.TextOrMap:
		any = w.text(r)
	case yamltree.InExpression, yamltree.ExpressionOrMap:
		any = []schema{matching(expression, "want an expression, which begins with . or $ or =")}
	case yamltree.InValue, yamltree.ValueOrMap:
		any = []schema{{"type": []string{"string", "number", "boolean"}}}
	case yamltree.InBool:
		any = w.expanded(schema{"type": "boolean"})
	case yamltree.InWhole:
		any = w.expanded(schema{"type": "integer"})
	case yamltree.InNumber:
		any = w.expanded(schema{"type": "number"})
	case yamltree.InDuration:
		any = w.expanded(matching(duration, "want a duration with its unit, such as 30s, 5m or 1h30m; a day is 24h"))
	case yamltree.SecretRef:
		path := schema{"type": []string{"string", "number", "null"}}
		any = w.expanded(schema{"type": "object", "additionalProperties": false,
			"properties": schema{"file": path, "env": path}, "title": "a map of file or env"})
	case yamltree.InRecord:
		any = []schema{{"type": []string{"object", "array", "string", "null"}}}
	case yamltree.InJSON:
		any = []schema{{}}
		if r.Inside != nil {
			any = []schema{{"type": "null"}}
		}
	}
	if r.Inside != nil {
		any = append(any, w.object(r.Inside()))
	}
	return any
}

// text is a text, or one of some words. Where it is not strict capitals do not count.
func (w writer) text(r yamltree.Row) []schema {
	if len(r.Choices) == 0 {
		if w.strict {
			return []schema{{"type": "string"}}
		}
		return []schema{{"type": []string{"string", "number"}}}
	}
	any := []schema{{"enum": r.Choices}}
	if slices.Contains(r.Choices, "null") {
		any = append(any, schema{"type": "null"})
	}
	if !w.strict {
		any = append(any, matching(anyCase(r.Choices), "want "+choice.List(r.Choices)))
	}
	return append(any, w.expanded()...)
}

// expanded are schemas, and that of ${} where it may stand in their place.
func (w writer) expanded(any ...schema) []schema {
	if w.expands {
		any = append(any, matching(expansion, "want a value, or ${NAME}, or ${file:PATH}"))
	}
	return any
}

// anyCase is a regular expression of words whose capitals do not count, and which may have blanks around them.
func anyCase(words []string) string {
	var all []string
	for _, word := range words {
		var b strings.Builder
		for _, c := range word {
			if lower, upper := strings.ToLower(string(c)), strings.ToUpper(string(c)); lower != upper {
				fmt.Fprintf(&b, "[%s%s]", lower, upper)
			} else {
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
		all = append(all, b.String())
	}
	return `^\s*(` + strings.Join(all, "|") + `)\s*$`
}

// join is the schema of what is taken by any of several. Where a map or a list is among them it is looked at by itself,
// so that an editor tells what is wrong inside it, and not that it is no text.
func join(any []schema) schema {
	isKind := func(s schema) bool { return s["type"] == "object" || s["type"] == "array" }
	switch {
	case len(any) == 1 && any[0]["properties"] == nil: // a map may be shared, and stays by itself
		return maps.Clone(any[0])
	case len(any) == 1 || !slices.ContainsFunc(any, isKind):
		return schema{"anyOf": any}
	}
	var rest []schema
	for _, s := range any {
		if isKind(s) { // named, as one of what is wanted
			named := schema{"type": s["type"]}
			if s["title"] != nil {
				named["title"] = s["title"]
			}
			s = named
		}
		rest = append(rest, s)
	}
	out := schema{"anyOf": rest}
	for _, s := range any {
		if isKind(s) {
			out = schema{"if": schema{"type": s["type"]}, "then": s, "else": out}
		}
	}
	return schema{"anyOf": []schema{out}}
}

// describe is what an editor shows of a key.
func describe(r yamltree.Row) string {
	text := sentences(r)
	if r.Example != "" {
		text += " Example: " + r.Example
	}
	return strings.TrimSpace(text)
}

// literal is a default as JSON has it.
func literal(r yamltree.Row) any {
	switch r.Form {
	case yamltree.InWhole, yamltree.InNumber:
		return json.Number(r.Default)
	case yamltree.InBool:
		return r.Default == "true"
	}
	return r.Default
}
