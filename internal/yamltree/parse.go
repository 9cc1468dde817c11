package yamltree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// The limits of a text.
const (
	MaxBytes = 1 << 20
	maxDepth = 64
	maxKeys  = 5_000   // of one map
	maxSigns = 200_000 // some 3,000 rules: what the library makes of a text grows with them
)

// Parse takes a text apart. Name is what mistakes call it. Beside an error, which holds every mistake, is the tree of
// what could be read; it is nil where there is none. A text that holds nothing is a mistake.
func Parse(name string, data []byte) (*Node, error) {
	data = withoutMark(data)
	if err := check(name, data); err != nil {
		return nil, err
	}
	docs, err := load(name, data)
	if err != nil {
		return inParts(name, data, err)
	}
	switch {
	case len(docs) == 0:
		return nil, &mistake.Mistake{Place: mistake.Place{File: name}, Message: "is empty"}
	case len(docs) > 1:
		return nil, &mistake.Mistake{Place: place(name, docs[1], ""), Message: "a second YAML document begins here; " +
			"write one, or split the file"}
	}
	c := converter{name: name}
	tree := c.node(docs[0], "", 0)
	return tree, c.Err()
}

// load has the library build its trees. What it panics with may hold the text, and is not told.
func load(name string, data []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			err = &mistake.Mistake{Place: mistake.Place{File: name}, Message: "cannot be read: the YAML library " +
				"fails on what stands there; look for a value that is missing"}
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthFunc(
		func(depth int, _ *yaml.DepthContext) error {
			if depth > maxDepth {
				return errDepth
			}
			return nil
		}))))
	if err != nil {
		return nil, fmt.Errorf("prepare the YAML library: %w", err)
	}
	for {
		var doc yaml.Node
		switch err := loader.Load(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, syntax(name, data, err)
		case len(doc.Content) == 1 && !isEmpty(doc.Content[0]):
			docs = append(docs, doc.Content[0])
		}
		if len(docs) > 1 {
			return docs, nil
		}
	}
}

var errDepth = fmt.Errorf("is nested deeper than %d", maxDepth)

// isEmpty reports whether a document is only marked, and nothing stands in it.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

// withoutMark is a text without the byte order mark that some editors begin it with, which shifts the first columns.
func withoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\uFEFF")) }

// check refuses what the library should not begin with.
func check(name string, data []byte) error {
	bad := func(place mistake.Place, format string, args ...any) error {
		return &mistake.Mistake{Place: place, Message: fmt.Sprintf(format, args...)}
	}
	if len(data) > MaxBytes {
		return bad(mistake.Place{File: name}, "is longer than %d bytes: split it", MaxBytes)
	}
	signs, line, start := 0, 1, 0
	for i := 0; i < len(data); i++ {
		at := mistake.Place{File: name, Line: line, Column: i - start + 1}
		switch b := data[i]; {
		case b == '\n':
			line, start = line+1, i+1
		case b < ' ' && b != '\t' && b != '\r' || b == 0x7f:
			return bad(at, "a control character has no place in YAML: write it as an escape in double quotes")
		case b >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size < 2 {
				return bad(at, "is not UTF-8: save the file as UTF-8")
			}
			i += size - 1
		case strings.IndexByte(",:-?[]{}&*!|>", b) >= 0:
			signs++
		}
		if signs > maxSigns {
			return bad(at, "has more than %d signs of YAML: split it", maxSigns)
		}
	}
	return nil
}

// converter makes nodes of the library's.
type converter struct {
	name string
	mistake.List
}

func place(name string, n *yaml.Node, path string) mistake.Place {
	return mistake.Place{File: name, Line: n.Line, Column: n.Column, Path: path}
}

func (c *converter) node(from *yaml.Node, path string, depth int) *Node {
	n := &Node{Place: place(c.name, from, path)}
	if what := unusual(from); what != "" {
		c.AddCovering(n.Place, []string{path}, "%s has no place here: quote the text if it is meant as one", what)
		return n
	}
	if depth++; depth > maxDepth {
		c.AddCovering(n.Place, []string{path}, "%w", errDepth)
		return n
	}
	switch from.Kind {
	case yaml.SequenceNode:
		n.Kind = List
		for i, item := range from.Content {
			n.Items = append(n.Items, c.node(item, path+"["+strconv.Itoa(i)+"]", depth))
		}
	case yaml.MappingNode:
		n.Kind = Map
		c.entries(n, from.Content, depth)
	case yaml.ScalarNode:
		n.Kind, n.Value = Text, from.Value
		n.Block = from.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
		n.Plain = !n.Block && from.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
		if n.Plain {
			n.Kind = plainKind(from.Value)
		}
	}
	return n
}

// entries reads the keys of a map and their values.
func (c *converter) entries(n *Node, content []*yaml.Node, depth int) {
	if len(content)/2 > maxKeys {
		c.AddCovering(n.Place, []string{n.Path}, "has more than %d keys: split it", maxKeys)
		n.Kind = Broken
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(content); i += 2 {
		key := c.node(content[i], n.Path, depth)
		if key.Kind == Broken {
			continue
		}
		if content[i].Kind == yaml.ScalarNode {
			if line, twice := first[key.Value]; twice {
				c.Add(key.Place, "the key is there twice, first in line %d: leave one of them out", line)
				continue
			}
			first[key.Value] = key.Place.Line
		}
		n.Entries = append(n.Entries, Entry{key, c.node(content[i+1], mistake.Join(n.Path, key.Value), depth)})
	}
}

// unusual says what Helm, kubectl or another parser would resolve or drop on the way, or "".
func unusual(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return "a YAML alias"
	case n.Anchor != "":
		return "a YAML anchor"
	case n.Style&yaml.TaggedStyle != 0:
		return "a YAML tag"
	case n.Tag == "!!merge":
		return "a YAML merge key"
	}
	return ""
}
