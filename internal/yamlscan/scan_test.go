package yamlscan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ciobridge/ciobridge/internal/yamlscan"
)

func TestCheck(t *testing.T) {
	var keys strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for _, c := range []struct{ name, text, want string }{
		{"ordinary", "a:\n  - b: [1, {c: d}]\n    e: 'x'\n  - f: |\n      text\n", ""},
		{"signs inside of texts", "a: x!y&z*w\nb: \"!x &y *z\"\nc: '<<'\nd: .a * 2\n", ""},
		{"as deep as may be", strings.Repeat("[", 63) + strings.Repeat("]", 63), ""},
		{"brackets", "a: " + strings.Repeat("[", 65) + strings.Repeat("]", 65), "line 1: is nested deeper than 64"},
		{"braces", strings.Repeat("{a: ", 65) + strings.Repeat("}", 65), "line 1: is nested deeper than 64"},
		{"dashes", strings.Repeat("- ", 100_000), "line 1: is nested deeper than 64"},
		{"question marks", strings.Repeat("? ", 65), "line 1: is nested deeper than 64"},
		{"indentation", indented(65), "line 65: is nested deeper than 64"},
		{"many small lists", strings.Repeat("- - 1\n", 5000), ""},
		{"too long", strings.Repeat("#", yamlscan.MaxBytes+1), "is longer than 1048576 bytes"},
		{"too many keys", keys.String(), "line 5001: a map has more than 5000 keys"},
		{"too many keys in brackets", "a: {" + strings.Repeat("k: 1, ", 6000) + "}",
			"line 1: a map has more than 5000 keys"},
		{"many rules", strings.Repeat("- name: x\n  do:\n    - track: {person: .who, name: y, data: {a: .a}}\n",
			3000), ""},
		{"too many documents", strings.Repeat("--- a\n", 150_000), "line 100001: has more than 200000 words and signs"},
		{"a tag", "rules: !x", "line 1: a YAML tag has no place here"},
		{"an anchor", "a:\n  b: &hunter2 c", "line 2: a YAML anchor has no place here"},
		{"an alias", "a: *hunter2", "line 1: a YAML alias has no place here"},
		{"a merge key", "<<: {a: 1}", "line 1: a YAML merge key has no place here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := yamlscan.Check([]byte(c.text))
			var e *yamlscan.Error
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("quotes the text: %v", err)
			}
		})
	}
}

func indented(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// FuzzCheck proves that the library builds no deep tree of a text that was let through.
func FuzzCheck(f *testing.F) {
	for _, text := range []string{
		"a:\n  - b: [1, {c: d}]\n", strings.Repeat("- ", 40) + "a", strings.Repeat("? ", 40),
		strings.Repeat("a: ", 100),
		"a: |\n x\n" + indented(40), "rules: !x", "[a: [b: ", "-\t-\t-\ta", "\"a\n b\": - - -", "---\n- - -\n...\n- -",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if yamlscan.Check(data) != nil {
			return
		}
		tree, err := parsed(data)
		if err != nil {
			return
		}
		for _, doc := range tree.Docs {
			if n := nesting(doc.Body); n > 4*64 {
				t.Errorf("a tree %d deep was let through", n)
			}
		}
	})
}

func parsed(data []byte) (tree *ast.File, err error) {
	defer yamlscan.Recover(&err)
	return parser.ParseBytes(data, 0)
}

func nesting(n ast.Node) int {
	deepest := 0
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			deepest = max(deepest, nesting(v))
		}
	case *ast.MappingValueNode:
		deepest = max(nesting(n.Key), nesting(n.Value))
	case *ast.MappingKeyNode:
		deepest = nesting(n.Value)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			deepest = max(deepest, nesting(v))
		}
	}
	return deepest + 1
}
