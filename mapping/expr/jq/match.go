package jq

import (
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// Gojq finds all matches of a text at once and counts its characters from the beginning for each. The functions below
// take the place of its _match: they go over the text once.

// patternKey is a regular expression as a program writes it.
type patternKey struct{ re, flags string }

// search begins the search that the arguments of a function ask for: a regular expression and flags.
func (m *machine) search(name string, v any, args []any) (*search, error) {
	text, ok := v.(string)
	re, isText := args[0].(string)
	if !ok || !isText {
		return nil, limits.Failedf("%s needs a string, not %s", name, document.Article(kindOfGo(v)))
	}
	flags, ok := args[1].(string)
	if !ok && args[1] != nil {
		return nil, limits.Failedf("%s needs its flags as a string", name)
	}
	p := m.patterns[patternKey{re, strings.ReplaceAll(flags, "g", "")}]
	if p == nil {
		return nil, limits.Failedf("%s needs its regular expression as a constant string", name)
	}
	return newSearch(&m.fuel, p, text, strings.Contains(flags, "g")), nil
}

func (m *machine) test(v any, args []any) any {
	s, err := m.search("test", v, args)
	if err != nil {
		return err
	}
	if err := s.fuel.Pay(product(4*s.size, len(s.text))); err != nil {
		return err
	}
	return s.first.MatchString(s.text)
}

func (m *machine) match(v any, args []any) gojq.Iter {
	return m.each("match", v, args, (*search).match)
}

func (m *machine) capture(v any, args []any) gojq.Iter {
	return m.each("capture", v, args, (*search).capture)
}

func (m *machine) scan(v any, args []any) gojq.Iter { return m.each("scan", v, args, (*search).scan) }

func (m *machine) each(name string, v any, args []any, output func(*search, []int) (any, error)) gojq.Iter {
	s, err := m.search(name, v, args)
	if err != nil {
		return gojq.NewIter(err)
	}
	return &matches{search: s, output: func(found []int) (any, error) { return output(s, found) }}
}

// splits gives the texts between the matches.
func (m *machine) splits(v any, args []any) gojq.Iter {
	s, err := m.search("splits", v, args)
	if err != nil {
		return gojq.NewIter(err)
	}
	from := 0
	return &matches{
		search: s,
		output: func(found []int) (any, error) {
			piece := s.text[from:found[0]]
			from = found[1]
			return piece, s.fuel.Pay(pieceBytes)
		},
		end: func() (any, bool) { return s.text[from:], true },
	}
}

// offset is how many characters stand before a byte. Going forward it counts each once.
func (s *search) offset(at int) int {
	if at < s.counted {
		return s.runes - utf8.RuneCountInString(s.text[at:s.counted])
	}
	s.runes += utf8.RuneCountInString(s.text[s.counted:at])
	s.counted = at
	return s.runes
}

// matchBytes is about what one match or one of its groups takes as an object.
const matchBytes = 600

// match is a match as jq's function match gives it.
func (s *search) match(m []int) (any, error) {
	if err := s.fuel.Pay(matchBytes * len(m) / 2); err != nil {
		return nil, err
	}
	captures := make([]any, len(s.names))
	for i, name := range s.names {
		captures[i] = s.group(m[2*i+2:], map[string]any{"name": name})
	}
	return s.group(m, map[string]any{"captures": captures}), nil
}

// group adds to an object where a match or a group stands.
func (s *search) group(m []int, to map[string]any) any {
	if m[0] < 0 {
		to["offset"], to["length"], to["string"] = -1, 0, nil
		return to
	}
	start := s.offset(m[0])
	to["offset"], to["length"], to["string"] = start, s.offset(m[1])-start, s.text[m[0]:m[1]]
	return to
}

// capture is a match as jq's function capture gives it.
func (s *search) capture(m []int) (any, error) {
	if err := s.fuel.Pay(entryBytes * len(m)); err != nil {
		return nil, err
	}
	to := make(map[string]any, len(s.names))
	for i, name := range s.names {
		if name, ok := name.(string); ok {
			to[name] = s.string(m, i+1)
		}
	}
	return to, nil
}

// scan is a match as jq's function scan gives it.
func (s *search) scan(m []int) (any, error) {
	if len(s.names) == 0 {
		return s.string(m, 0), s.fuel.Pay(pieceBytes)
	}
	list := make([]any, len(s.names))
	for i := range list {
		list[i] = s.string(m, i+1)
	}
	return list, s.fuel.Pay(pieceBytes * len(m))
}

// string is the text of a group, null for one that took no part.
func (s *search) string(m []int, group int) any {
	if m[2*group] < 0 {
		return nil
	}
	return s.text[m[2*group]:m[2*group+1]]
}

// matches gives what a search finds one after the other, as gojq asks for it.
type matches struct {
	*search
	output func(m []int) (any, error)
	end    func() (any, bool) // what comes behind the last match, once
}

// Next gives the next output.
func (it *matches) Next() (any, bool) {
	m, err := it.find()
	var v any
	if m != nil && err == nil {
		v, err = it.output(m)
	}
	switch {
	case err != nil:
		it.done, it.end = true, nil
		return err, true
	case m != nil:
		return v, true
	case it.end != nil:
		end := it.end
		it.end = nil
		return end()
	}
	return nil, false
}
