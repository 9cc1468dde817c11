package yamltree

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Merge puts a tree over another: maps are merged key by key, and everything else replaces what was there.
func Merge(below, above *Node) *Node {
	if below == nil || below.Kind != Map || above.Kind != Map {
		return above
	}
	merged := *below
	merged.Entries = append([]Entry(nil), below.Entries...)
	for _, e := range above.Entries {
		merged.put(e)
	}
	return &merged
}

func (n *Node) put(e Entry) {
	for i, old := range n.Entries {
		if old.Key.Value == e.Key.Value {
			n.Entries[i] = Entry{e.Key, Merge(old.Value, e.Value)}
			return
		}
	}
	n.Entries = append(n.Entries, e)
}

var segmentPattern = regexp.MustCompile(`^\.?([A-Za-z_][A-Za-z0-9_-]*)|^\[([0-9]{1,4})\]`)

// Set puts the value that a text of YAML gives at a path such as source.kafka.topics[0]. An index may be that behind
// the last item. Flag is what mistakes call the text.
func Set(tree *Node, flag, path, text string) (*Node, error) {
	value, err := &Node{Kind: Null}, error(nil)
	if text != "" {
		value, err = Parse(flag, []byte(text))
	}
	if err != nil {
		return tree, err
	}
	place := mistake.Place{File: flag}
	value.at(place, path)
	steps, err := segments(path)
	if err != nil {
		return tree, mistake.New(place.With(path), "%w", err)
	}
	if tree == nil {
		tree = &Node{Kind: Map, Place: place}
	}
	out, err := set(tree, steps, place, value)
	if err != nil {
		return tree, mistake.New(place.With(path), "%w", err)
	}
	return out, nil
}

// at gives a value that stands in a flag its place: that of the flag, without a line.
func (n *Node) at(place mistake.Place, path string) {
	n.Place = place.With(mistake.Join(path, n.Path))
	for _, item := range n.Items {
		item.at(place, path)
	}
	for _, e := range n.Entries {
		e.Key.at(place, path)
		e.Value.at(place, path)
	}
}

// segment is one step of a path: a key or an index.
type segment struct {
	key   string
	index int // where key is empty
}

var errPath = errors.New("is no path: write keys with dots between them, such as source.kafka.topics[0]")

func segments(path string) (steps []segment, err error) {
	for rest := path; rest != ""; {
		m := segmentPattern.FindStringSubmatch(rest)
		if m == nil || len(steps) == 0 && (m[1] == "" || rest[0] == '.') {
			return nil, errPath
		}
		index, _ := strconv.Atoi(m[2])
		steps = append(steps, segment{m[1], index})
		rest = rest[len(m[0]):]
	}
	if len(steps) == 0 {
		return nil, errPath
	}
	return steps, nil
}

// set is the tree with a value at the end of some steps. What is on the way is made or copied.
func set(n *Node, steps []segment, place mistake.Place, value *Node) (*Node, error) {
	if len(steps) == 0 {
		return value, nil
	}
	step := steps[0]
	if step.key == "" {
		return setItem(n, steps, place, value)
	}
	switch {
	case n == nil || n.Kind == Null:
		n = &Node{Kind: Map, Place: place}
	case n.Kind != Map:
		return nil, fmt.Errorf("there is no map in which %s could be set, but %s", step.key, n.Describe())
	}
	path := mistake.Join(n.Path, step.key)
	inner, err := set(n.Get(step.key), steps[1:], place.With(path), value)
	if err != nil {
		return nil, err
	}
	out := *n
	out.Entries = append([]Entry(nil), n.Entries...)
	for i, e := range out.Entries {
		if e.Key.Value == step.key {
			out.Entries[i].Value = inner
			return &out, nil
		}
	}
	key := &Node{Kind: Text, Value: step.key, Place: place.With(n.Path)}
	out.Entries = append(out.Entries, Entry{key, inner})
	return &out, nil
}

func setItem(n *Node, steps []segment, place mistake.Place, value *Node) (*Node, error) {
	switch {
	case n == nil || n.Kind == Null:
		n = &Node{Kind: List, Place: place}
	case n.Kind != List:
		return nil, fmt.Errorf("there is no list of which an item could be set, but %s", n.Describe())
	}
	i := steps[0].index
	if i > len(n.Items) {
		return nil, fmt.Errorf("the list ends before it: the next item is [%d]", len(n.Items))
	}
	out := *n
	out.Items = append([]*Node(nil), n.Items...)
	if i == len(out.Items) {
		out.Items = append(out.Items, nil)
	}
	inner, err := set(out.Items[i], steps[1:], place.With(fmt.Sprintf("%s[%d]", n.Path, i)), value)
	out.Items[i] = inner
	return &out, err
}
