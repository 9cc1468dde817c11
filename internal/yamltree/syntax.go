package yamltree

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// syntax puts an error of the library into words. The library's own quote the text in places, and name what its author
// knows of YAML rather than what its reader wrote.
func syntax(name string, data []byte, err error) error {
	m := &mistake.Mistake{Place: mistake.Place{File: name}, Message: "is no YAML: look for a quote, a bracket or a " +
		"colon that is missing, and at the indentation"}
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return m
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	m.Place.Line, m.Place.Column = e.Mark.Line, e.Mark.Column
	said := e.ContextMsg + ": " + e.Message
	for _, w := range words {
		if strings.Contains(said, w.says) {
			m.Message = w.means
			if w.opened && e.ContextMark.Line > 0 && e.ContextMark.Line < e.Mark.Line {
				// where it begins tells more than where the reader gave up
				m.Place.Line, m.Place.Column = e.ContextMark.Line, e.ContextMark.Column
			}
			break
		}
	}
	if m.Place.Line > len(lines) { // behind the last line break
		m.Place.Line, m.Place.Column = len(lines), utf8.RuneCountInString(lines[len(lines)-1])+1
	}
	switch at := m.Place.Line; {
	case at > 0 && strings.Contains(lines[at-1], "${"):
		m.Message += "; in braces and brackets quote a text with ${…}"
	case at > 0 && holdsExpression(lines[at-1]):
		m.Message += "; quote this expression"
	}
	return m
}

// words are what parts of the library's texts mean.
var words = []struct {
	says, means string
	opened      bool // it is about what was opened and does not end
}{
	{errDepth.Error(), errDepth.Error(), false},
	{"mapping values are not allowed", "a colon with a space behind it has no place here: quote the text that holds " +
		"it, or look at the indentation", false},
	{"unexpected end of stream", "a quote is opened here and not closed: close it", true},
	{"unexpected document indicator", "a quote is opened here and not closed: close it", true},
	{"unknown escape", "an escape that YAML does not know: write \\\\ for a backslash, or use single quotes", false},
	{"hexdecimal", "an escape without its digits: write \\\\ for a backslash, or use single quotes", false},
	{"flow mapping", "this does not continue the map in braces: look for a comma or a closing brace that is missing",
		true},
	{"flow sequence", "this does not continue the list in brackets: look for a comma or a closing bracket that is " +
		"missing", true},
	{"node content", "a value is missing here: look for a bracket or a brace that is not closed, or not opened", false},
	{"could not find expected ':'", "a key without its colon, or a text that goes on in the next line: write key: " +
		"value, or quote the text", false},
	{"cannot start any token", "a text cannot begin with this character: quote the text; indent with spaces, not " +
		"with tabs", false},
	{"tab character", "a tab has no place in the indentation: use spaces", false},
	{"block collection", "this line is not indented as the list's other items are", false},
	{"block mapping", "this is no key of the map around it: look at the indentation, and quote a text that goes on " +
		"behind a quote or a bracket", false},
	{"block sequence entries are not allowed", "a list cannot begin here: write it below its key, a dash in each " +
		"line", false},
	{"directive", "a line that begins with % is for YAML itself: quote the text", false},
	{"unknown anchor", "a YAML alias has no place here: quote the text if it is meant as one", false},
	{"anchor", "a YAML anchor or alias has no place here: quote the text if it is meant as one", false},
	{"tag", "a YAML tag has no place here: quote the text if it is meant as one", false},
}

// holdsExpression reports whether a line of YAML has an unquoted expression after a key, a dash or a bracket.
func holdsExpression(line string) bool { return expressionPattern.MatchString(line) }

var expressionPattern = regexp.MustCompile(`(^|[:\[{,-])\s*[.$=]`)
