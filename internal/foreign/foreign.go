// Package foreign finds what people carry over from other languages into rules, and what means nothing there: templates
// of Liquid, typographic quotes of a word processor, wildcards of brokers, regular expressions. It says what to write
// instead, and knows nothing of rules.
package foreign

import (
	"strings"
	"unicode/utf8"
)

const liquid = "{{ }} and {% %} of Liquid are filled in by nobody and sent as they stand: "

// Text says what is odd about a text that is sent as it is written, or "".
func Text(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	switch {
	case hasLiquid(s):
		return liquid + `write an expression such as '= "order " + .id'`
	case strings.ContainsRune(typographic, first) && strings.ContainsRune(typographic, last):
		return "typographic quotes are a part of the text and are sent: write ' or \" to quote it"
	}
	return ""
}

// Program says what is odd about an expression, or "".
func Program(s string) string {
	switch {
	case hasLiquid(s):
		return liquid + `write \(.name) in a text in double quotes, and .name outside of one`
	case strings.ContainsAny(outsideOfTexts(s), typographic):
		return "typographic quotes are no quotes here: write \""
	}
	return ""
}

func hasLiquid(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }

const typographic = "“”„‟‘’‚‛«»‹›"

// outsideOfTexts is an expression without what stands in its double quotes.
func outsideOfTexts(s string) string {
	var out strings.Builder
	inside := false
	for i := 0; i < len(s); i++ {
		switch {
		case inside && s[i] == '\\':
			i++
		case s[i] == '"':
			inside = !inside
		case !inside:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// Pattern says what is odd about the type of events that a rule names, in which only * has a meaning, or "".
func Pattern(s string) string {
	last := s[strings.LastIndexByte(s, '.')+1:]
	switch {
	case last == ">" || last == "#":
		return last + " is a wildcard of a broker, and only itself here: write *, which stands for any run of " +
			"characters"
	// Subjects of NATS itself begin with $, as $KV.people; an expression that did would match nothing. Names that
	// people give to events have blanks and may have brackets.
	case strings.ContainsAny(strings.TrimPrefix(s, "$"), `^$()[]|\+?`) && !strings.Contains(s, " "):
		return "reads like a regular expression, of which each sign is only itself here: write * for any run of " +
			"characters, or a list of types"
	}
	return Text(s)
}
