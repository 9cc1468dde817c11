package yamltree

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Expand puts values in place of ${…} in all texts of a tree, but not in keys, nor below those of except. Lookup gives
// what stands between the braces before :-, such as NAME or file:PATH, and an error whose text quotes no value. $${
// stands for ${. The error holds every mistake.
func Expand(n *Node, except []string, lookup func(name string) (string, error)) error {
	e := expander{except: except, lookup: lookup}
	e.node(n)
	return e.Err()
}

// ErrUnset says that there is no value, so that a default counts.
var ErrUnset = errors.New("is not set")

type expander struct {
	except []string
	lookup func(name string) (string, error)
	mistake.List
}

func (e *expander) node(n *Node) {
	switch n.Kind {
	case List:
		for _, item := range n.Items {
			e.node(item)
		}
	case Map:
		for _, entry := range n.Entries {
			if !slices.Contains(e.except, entry.Key.Value) {
				e.node(entry.Value)
			}
		}
	case Text:
		if !strings.Contains(n.Value, "${") {
			return
		}
		value, expanded, err := e.text(n.Value, maxDefaults)
		if err != nil {
			e.AddCovering(n.Place, []string{n.Path}, "%w", err)
			n.Kind = Broken
			return
		}
		n.Value, n.Expanded = value, expanded
	}
}

// maxDefaults is how deep defaults may stand in each other.
const maxDefaults = 8

// text expands one text, and reports whether something but $${ was in it.
func (e *expander) text(s string, depth int) (out string, expanded bool, err error) {
	if depth == 0 {
		return "", false, errors.New("has too many ${…} within each other")
	}
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			return out + s, expanded, nil
		}
		if i > 0 && s[i-1] == '$' {
			out, s = out+s[:i-1]+"${", s[i+2:]
			continue
		}
		inside, rest, ok := braces(s[i+2:])
		if !ok {
			return "", false, errors.New("a ${ is not closed: write } behind it, or $${ for the two signs themselves")
		}
		value, err := e.value(inside, depth)
		if err != nil {
			return "", false, err
		}
		out, s, expanded = out+s[:i]+value, rest, true
	}
}

// braces divides a text behind ${ at the } that belongs to it.
func braces(s string) (inside, rest string, ok bool) {
	open := 1
	for i := range len(s) {
		switch {
		case s[i] == '{' && i > 0 && s[i-1] == '$':
			open++
		case s[i] == '}':
			if open--; open == 0 {
				return s[:i], s[i+1:], true
			}
		}
	}
	return "", "", false
}

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (e *expander) value(inside string, depth int) (string, error) {
	name, fallback, hasFallback := strings.Cut(inside, ":-")
	file := strings.HasPrefix(name, "file:")
	if !file && !namePattern.MatchString(name) {
		return "", errors.New("a ${…} is none of ${NAME}, ${NAME:-default} and ${file:PATH}: write one of these, " +
			"or $${ for the two signs themselves")
	}
	value, err := e.lookup(name)
	if hasFallback && (errors.Is(err, ErrUnset) || err == nil && value == "") {
		value, _, err = e.text(fallback, depth-1)
		return value, err
	}
	switch {
	case file && err != nil: // a secret may stand in place of the path
		return "", fmt.Errorf("${file:…}: %w", err)
	case err != nil:
		return "", fmt.Errorf("${%s} %w: set the environment variable, or write ${%s:-default}", name, err, name)
	}
	return value, nil
}
