package rulefile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
)

// A table has a row for each key of a map that is read into a T.
type table[T any] []row[T]

// row is one key of a map, and how its value is read.
type row[T any] struct {
	yamltree.Row
	read func(r *reader, n *yamltree.Node, into *T)
}

// rows are the rows of a table without the way in which they are read.
func (t table[T]) rows() []yamltree.Row {
	var rows []yamltree.Row
	for _, row := range t {
		rows = append(rows, row.Row)
	}
	return rows
}

func (t table[T]) find(key string) *row[T] {
	for i := range t {
		if t[i].Key == key {
			return &t[i]
		}
	}
	return nil
}

func (t table[T]) keys() []string {
	var keys []string
	for _, row := range t {
		keys = append(keys, row.Key)
	}
	slices.Sort(keys)
	return keys
}

// readMap reads each key of a map by the row of a table. It reports whether the map has the form that the table asks
// for: a map with no unknown key and every required one.
func readMap[T any](r *reader, node *yamltree.Node, t table[T], into *T) bool {
	if node.Kind != yamltree.Map {
		r.fail(node, "want a map, found %s", node.Describe())
		return false
	}
	unknown, given := false, map[string]bool{}
	r.entries(node, func(key string, keyNode, value *yamltree.Node) {
		if row := t.find(key); row != nil {
			given[key] = true
			row.read(r, value, into)
			return
		}
		unknown = true
		r.unknownKey(keyNode, t.keys())
	})
	if unknown {
		return false // what is missing may be what is misspelt
	}
	var missing []string
	for _, row := range t {
		if row.Required && !given[row.Key] {
			missing = append(missing, row.Key)
		}
	}
	if len(missing) > 0 {
		var covers []string
		for _, key := range missing {
			covers = append(covers, mistake.Join(node.Path, key))
		}
		r.mistakes.AddCovering(node.Place, covers, "needs %s", choice.And(missing))
	}
	return len(missing) == 0
}

func (r *reader) unknownKey(keyNode *yamltree.Node, known []string) {
	key := keyNode.Value
	if isProgram(key) {
		r.mistakes.Add(keyNode.Place, "%s is not a key: it looks like a part of an expression that YAML cut; quote "+
			"this expression", r.written(strconv.Quote(key)))
		return
	}
	if meant, ok := nearest(key, known); ok { // what is near to a word of ours is no secret
		r.mistakes.AddCovering(keyNode.Place, []string{mistake.Join(keyNode.Path, meant)},
			"no key %q here, did you mean %q?", key, meant)
		return
	}
	if begun := slices.DeleteFunc(slices.Clone(known), func(k string) bool {
		return !strings.HasPrefix(k, key+"_")
	}); len(begun) > 0 {
		r.mistakes.Add(keyNode.Place, "no key %q here, did you mean %s?", key, choice.List(begun))
		return
	}
	named := "no such key"
	if !r.quiet {
		named = "no key " + strconv.Quote(key)
	}
	r.mistakes.Add(keyNode.Place, "%s here; want %s", named, choice.List(known))
}

// otherNames are what Customer.io's API and its clients call what has another name in rules.
var otherNames = map[string]string{
	"identifiers": "person", "body_plaintext": "body_plain", "broadcast_id": "broadcast", "campaign_id": "broadcast",
}

func nearest(key string, known []string) (meant string, ok bool) {
	if meant = otherNames[key]; slices.Contains(known, meant) {
		return meant, true
	}
	return choice.Nearest(key, known)
}
