package yamltree

import (
	"errors"
	"fmt"
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
	m.Message += hint(lines, m.Place.Line)
	return m
}

// hint says what is known to break a line of YAML, or the one before it, without looking so.
func hint(lines []string, at int) string {
	if at == 0 {
		return ""
	}
	for i := max(at-2, 0); i < at; i++ {
		switch line := lines[i]; {
		case strings.ContainsAny(line, "\u00a0\u2007\u202f\u200b\u2028\ufeff"):
			return fmt.Sprintf("; line %d has a blank that is no ordinary space", i+1)
		case tightPattern.MatchString(line):
			return fmt.Sprintf("; the colon in line %d has no space behind it", i+1)
		}
	}
	switch {
	case strings.Contains(lines[at-1], "${"):
		return "; in braces and brackets quote a text with ${…}"
	case holdsExpression(lines[at-1]):
		return "; quote this expression"
	}
	return ""
}

var tightPattern = regexp.MustCompile(`^\s*(-\s+)?[A-Za-z_]+:[^\s/:]`)

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
	{"incompatible YAML document", "names a version of YAML that is not known here: leave this line out", false},
	{"directive", "a line that begins with % is for YAML itself: quote the text", false},
	{"unknown anchor", "a YAML alias has no place here: quote the text if it is meant as one", false},
	{"anchor", "a YAML anchor or alias has no place here: quote the text if it is meant as one", false},
	{"tag", "a YAML tag has no place here: quote the text if it is meant as one", false},
}

// holdsExpression reports whether a line of YAML has an unquoted expression after a key, a dash or a bracket.
func holdsExpression(line string) bool { return expressionPattern.MatchString(line) }

var expressionPattern = regexp.MustCompile(`(^|[:\[{,-])\s*[.$=]`)
