package jq

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// maxPattern is how many instructions a regular expression may have once its repetitions are written out.
// (?:x{100}){100} has 10,000.
const maxPattern = 5000

// pattern is a compiled regular expression. Its size is about how many instructions it has.
type pattern struct {
	first *regexp.Regexp // of text from its beginning
	next  *regexp.Regexp // of text from the character before the place where the search goes on; group 1 is the match
	names []any          // of the groups, nil for one without a name
	size  int
}

// newPattern compiles a regular expression with jq's flags. An error says what to do, in words that follow the
// expression.
func newPattern(re, flags string) (*pattern, error) {
	if i := strings.IndexFunc(flags, func(r rune) bool { return r != 'g' && r != 'i' && r != 'm' }); i >= 0 {
		return nil, fmt.Errorf("unknown flag %q of a regular expression; known are g, i and m", flags[i:])
	}
	if strings.Contains(flags, "i") {
		re = "(?i)" + re
	}
	if strings.Contains(flags, "m") {
		re = "(?s)" + re
	}
	tree, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("cannot compile the regular expression: %w", err)
	}
	p := &pattern{size: sizeOfRegexp(tree)}
	if p.size > maxPattern {
		return nil, fmt.Errorf("the regular expression has more than %d instructions once its repetitions are "+
			"written out; "+
			"repeat less or use + or *", maxPattern)
	}
	if p.first, err = regexp.Compile(re); err != nil {
		return nil, fmt.Errorf("cannot compile the regular expression: %w", err)
	}
	if p.next, err = regexp.Compile(`\A(?s:.)(?s:.*?)(` + tree.String() + `)`); err != nil {
		return nil, fmt.Errorf("cannot compile the regular expression: %w", err)
	}
	for _, name := range p.first.SubexpNames()[1:] {
		if name == "" {
			p.names = append(p.names, nil)
		} else {
			p.names = append(p.names, name)
		}
	}
	return p, nil
}

// sizeOfRegexp counts the instructions of a parsed regular expression, up to a little over maxPattern.
func sizeOfRegexp(re *syntax.Regexp) int {
	n := 1
	for _, sub := range re.Sub {
		if n += sizeOfRegexp(sub); n > maxPattern {
			return n
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		n += len(re.Rune)
	case syntax.OpCapture:
		n++
	case syntax.OpRepeat:
		n *= max(1, re.Min, re.Max)
	}
	return n
}

// search is one pass of a pattern over a text. It pays for each character that the pattern looks at, however often it
// looks.
type search struct {
	*pattern
	fuel *limits.Fuel
	text string
	at   int // where the next match may begin
	all  bool
	done bool

	runes, counted int // characters of text before counted
}

func newSearch(f *limits.Fuel, p *pattern, text string, all bool) *search {
	return &search{pattern: p, fuel: f, text: text, all: all}
}

// find gives the bytes between which the next match and its groups stand, or nil.
func (s *search) find() ([]int, error) {
	if s.done {
		return nil, nil
	}
	if !s.all {
		s.done = true
		if err := s.fuel.Pay(product(4*s.size, len(s.text))); err != nil {
			return nil, err
		}
		return s.first.FindStringSubmatchIndex(s.text), nil
	}
	m, err := s.findNext()
	switch {
	case err != nil || m == nil:
		s.done = true
	case m[1] > m[0]:
		s.at = m[1]
	default:
		_, width := utf8.DecodeRuneInString(s.text[m[1]:])
		s.at = m[1] + width
		s.done = width == 0
	}
	return m, err
}

// findNext searches from where the search stands on. The pattern sees the character before, which ^ and \b ask for.
func (s *search) findNext() ([]int, error) {
	if s.at == 0 {
		r := &runeReader{fuel: s.fuel, cost: 4 * s.size, text: s.text}
		m := s.first.FindReaderSubmatchIndex(r)
		return m, r.err
	}
	_, width := utf8.DecodeLastRuneInString(s.text[:s.at])
	from := s.at - width
	r := &runeReader{fuel: s.fuel, cost: 4 * s.size, text: s.text, at: from}
	m := s.next.FindReaderSubmatchIndex(r)
	if m == nil || r.err != nil {
		return nil, r.err
	}
	m = m[2:]
	for i := range m {
		if m[i] >= 0 {
			m[i] += from
		}
	}
	return m, nil
}

// runeReader gives a pattern the characters of a text, as long as they are paid for.
type runeReader struct {
	fuel *limits.Fuel
	cost int
	text string
	at   int
	err  error
}

// ReadRune gives the next character.
func (r *runeReader) ReadRune() (c rune, width int, err error) {
	if r.at >= len(r.text) {
		return 0, 0, io.EOF
	}
	if r.err = r.fuel.Pay(r.cost); r.err != nil {
		return 0, 0, r.err
	}
	c, width = utf8.DecodeRuneInString(r.text[r.at:])
	r.at += width
	return c, width, nil
}
