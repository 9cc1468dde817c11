package yamltree

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// inParts reads a text whose syntax is broken, so that one mistake does not hide the others: each top-level key by
// itself, and each item of a list below such a key. What is broken is in the tree as such. Where the text is not
// written in lines of keys, the first mistake is all that is known.
func inParts(name string, data []byte, first error) (*Node, error) {
	lines := strings.SplitAfter(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	starts := beginnings(lines, keyPattern)
	if len(starts) == 0 || starts[0] > 0 && strings.TrimSpace(strings.Join(lines[:starts[0]], "")) != "" &&
		!onlyRemarks(lines[:starts[0]]) {
		return nil, first
	}
	p := parts{name: name}
	root := &Node{Kind: Map, Place: mistake.Place{File: name, Line: starts[0] + 1, Column: 1}}
	for i, start := range starts {
		key := keyPattern.FindStringSubmatch(lines[start])[2]
		if root.Get(key) != nil {
			continue // the key is there twice, as far as can be told
		}
		place := mistake.Place{File: name, Line: start + 1, Column: 1}
		root.Entries = append(root.Entries, Entry{
			&Node{Kind: Text, Place: place, Value: key}, p.section(lines, start, end(lines, starts, i), key),
		})
	}
	if p.broken == 0 {
		return nil, first // the parts are whole, and what is wrong is between them
	}
	return root, p.Err()
}

var (
	keyPattern  = regexp.MustCompile(`^(["']?)([A-Za-z_][A-Za-z0-9_]*)["']?\s*:(\s|$)`)
	itemPattern = regexp.MustCompile(`^(\s*)-\s`)
)

// beginnings are the indexes of the lines that match.
func beginnings(lines []string, pattern *regexp.Regexp) (at []int) {
	for i, line := range lines {
		if pattern.MatchString(line) {
			at = append(at, i)
		}
	}
	return at
}

func end(lines []string, starts []int, i int) int {
	if i+1 < len(starts) {
		return starts[i+1]
	}
	return len(lines)
}

func onlyRemarks(lines []string) bool {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" && line != "---" && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// parts reads parts of a text.
type parts struct {
	name   string
	broken int
	mistake.List
}

// section reads the value of one top-level key.
func (p *parts) section(lines []string, from, to int, key string) *Node {
	tree, err := p.part(lines, from, to, key)
	if value := tree.Get(key); value != nil {
		return value
	}
	if err == nil {
		err = mistake.New(mistake.Place{File: p.name, Line: from + 1, Column: 1}, "is no key with a value: look for a "+
			"quote that is missing")
	}
	broken := &Node{Place: mistake.Place{File: p.name, Line: from + 1, Column: 1, Path: key}}
	items := beginnings(lines[from+1:to], itemPattern)
	if len(items) == 0 {
		return p.lost(broken, err)
	}
	indent := itemPattern.FindStringSubmatch(lines[from+1+items[0]])[1]
	items = beginnings(lines[from+1:to], regexp.MustCompile("^"+indent+`-\s`))
	list := &Node{Kind: List, Place: broken.Place}
	for i := range items {
		list.Items = append(list.Items, p.item(lines[:to], from+1+items[i], from+1+end(lines[from+1:to], items, i),
			key, i))
	}
	if p.broken == 0 {
		return p.lost(broken, err)
	}
	return list
}

// item reads one item of the list below a top-level key.
func (p *parts) item(lines []string, from, to int, key string, i int) *Node {
	path := key + "[" + strconv.Itoa(i) + "]"
	tree, err := p.part(lines, from, to, path)
	switch {
	case tree != nil && tree.Kind == List && len(tree.Items) == 1:
		return tree.Items[0]
	case tree != nil:
		return tree
	}
	return p.lost(&Node{Place: mistake.Place{File: p.name, Line: from + 1, Column: 1, Path: path}}, err)
}

// lost notes what is wrong with a part of which nothing is known.
func (p *parts) lost(n *Node, err error) *Node {
	p.broken++
	for _, m := range mistake.All(err) {
		m.Path, m.Covers = n.Path, []string{n.Path}
		p.Join(m)
	}
	return n
}

// part reads some lines. Empty ones stand for those before them, so that places are right; path is that of an item.
func (p *parts) part(lines []string, from, to int, path string) (*Node, error) {
	text := strings.Repeat("\n", from) + strings.Join(lines[from:to], "")
	docs, err := load(p.name, []byte(text))
	if err != nil || len(docs) != 1 {
		return nil, errors.Join(err)
	}
	c := converter{name: p.name}
	tree := c.node(docs[0], "", 0)
	if prefix, ok := strings.CutSuffix(path, "]"); ok { // an item of a list, which alone is the first
		tree.under("[0]", prefix+"]")
	}
	p.Join(c.Err())
	if c.Len() > 0 {
		p.broken++
	}
	return tree, nil
}

// under puts another beginning in place of that of the paths of a tree.
func (n *Node) under(was, is string) {
	if rest, ok := strings.CutPrefix(n.Path, was); ok {
		n.Path = is + rest
	}
	for _, item := range n.Items {
		item.under(was, is)
	}
	for _, e := range n.Entries {
		e.Key.under(was, is)
		e.Value.under(was, is)
	}
}
