package rulefile

import (
	"strconv"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
)

// reader puts a tree into rules, topics and tests, and keeps going after a mistake, so that one run names them all.
type reader struct {
	quiet    bool // quotes nothing, because a secret may stand there by mistake
	mistakes mistake.List
}

// fail notes a mistake. Of what is broken one has been noted before.
func (r *reader) fail(n *yamltree.Node, format string, args ...any) {
	if n.Kind != yamltree.Broken {
		r.mistakes.AddCovering(n.Place, n.Covers(), format, args...)
	}
}

// written is what somebody wrote, for a mistake that quotes it. Of what stands in the configuration itself nothing is
// quoted: a secret may stand there by mistake. Rule files are apart from those.
func (r *reader) written(text string) string {
	if r.quiet {
		return "…"
	}
	return text
}

// entries visits the keys of a map in order.
func (r *reader) entries(n *yamltree.Node, visit func(key string, keyNode, value *yamltree.Node)) {
	if n.Kind != yamltree.Map {
		r.fail(n, "want a map, found %s", n.Describe())
		return
	}
	for _, e := range n.Entries {
		if key, ok := r.key(e.Key); ok {
			visit(key, e.Key, e.Value)
		}
	}
}

// key reads a key that every YAML parser takes for the same string.
func (r *reader) key(n *yamltree.Node) (string, bool) {
	switch {
	case n.Kind == yamltree.Map || n.Kind == yamltree.List:
		r.mistakes.Add(n.Place, "a key is %s: quote this expression if it is one, or write a text", n.Describe())
		return "", false
	case n.Kind != yamltree.Text:
		r.mistakes.Add(n.Place, "the key %s is not a string for every YAML parser: quote it",
			r.written(strconv.Quote(n.Value)))
		return "", false
	case n.Plain && retyped(n.Value):
		r.mistakes.Add(n.Place, "some YAML parsers take the key %s for something other than a string: quote it",
			r.written(n.Value))
		return "", false
	}
	return n.Value, true
}

// list reads every element of a list.
func list[T any](r *reader, n *yamltree.Node, read func(*yamltree.Node) T) []T {
	if n.Kind != yamltree.List {
		r.fail(n, "want a list, found %s: begin each item with a dash", n.Describe())
		return nil
	}
	out := make([]T, 0, len(n.Items))
	for _, item := range n.Items {
		out = append(out, read(item))
	}
	return out
}

// oneOrList reads a single element, or every element of a list.
func oneOrList[T any](r *reader, n *yamltree.Node, read func(*yamltree.Node) T) []T {
	if n.Kind == yamltree.List {
		return list(r, n, read)
	}
	return []T{read(n)}
}
