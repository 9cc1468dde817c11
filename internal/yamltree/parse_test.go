package yamltree_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/yamltree"
)

func TestParse(t *testing.T) {
	var keys strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for _, c := range []struct{ name, text, want string }{
		{"ordinary", "a:\n  - b: [1, {c: d}]\n    e: 'x'\n  - f: |\n      text\n", ""},
		{"signs inside of texts", "a: x!y&z*w\nb: \"!x &y *z\"\nc: '<<'\nd: .a * 2\n", ""},
		{"as deep as may be", strings.Repeat("[", 63) + strings.Repeat("]", 63), ""},
		{"brackets", "a: " + strings.Repeat("[", 65) + strings.Repeat("]", 65), "f:1:68: a: is nested deeper than 64"},
		{"braces", strings.Repeat("{a: ", 65) + strings.Repeat("}", 65), "is nested deeper than 64"},
		{"dashes", strings.Repeat("- ", 80_000), "f:1:129: is nested deeper than 64"},
		{"question marks", strings.Repeat("? ", 65), "is nested deeper than 64"},
		{"indentation", indented(65), "f:65:66: a: is nested deeper than 64"},
		{"many small lists", strings.Repeat("- - 1\n", 5000), ""},
		{"too long", strings.Repeat("#", yamltree.MaxBytes+1), "f: is longer than 1048576 bytes"},
		{"too many keys", keys.String(), "f:1:1: has more than 5000 keys"},
		{"too many keys in brackets", "a: {" + strings.Repeat("k: 1, ", 6000) + "}", "f:1:4: a: has more than 5000"},
		{"many rules", strings.Repeat("- name: x\n  do:\n    - track: {person: .who, name: y, data: {a: .a}}\n",
			3000), ""},
		{"too many documents", strings.Repeat("--- a\n", 150_000), "has more than 200000 signs"},
		{"two documents", "a: 1\n---\nb: 1\n", "f:3:1: a second YAML document begins here"},
		{"an end and nothing behind it", "a: 1\n...\n", ""},
		{"marks around nothing else", "---\na: 1\n---\n", ""},
		{"nothing", "", "f: is empty"},
		{"a remark", "# hunter2\n", "f: is empty"},
		{"a tag", "rules: !x", "f:1:8: rules: a YAML tag has no place here"},
		{"an anchor", "a:\n  b: &hunter2 c", "f:2:6: a.b: a YAML anchor has no place here"},
		{"an alias", "a: *hunter2", "f:1:4: a: a YAML alias has no place here"},
		{"a merge key", "<<: {a: 1}", "f:1:1: a YAML merge key has no place here"},
		{"a key twice", "a: hunter2\nb: {c: 1, c: hunter2}\n", "f:2:11: b: the key is there twice, first in line 2"},
		{"no UTF-8", "a: \xff\xfehunter2", "f:1:4: is not UTF-8"},
		{"UTF-16", "\xff\xfea\x00:\x00", "f:1:1: is not UTF-8"},
		{"a control character", "a: b\nc: \x00hunter2", "f:2:4: a control character"},
		{"a colon", "a: hunter2: c", "f:1:11: a: a colon with a space behind it has no place here: quote the text"},
		{"an open quote", "a: 'hunter2\nb: 1\n", "f:1:4: a: a quote is opened here and not closed"},
		{"an open bracket", "a: [hunter2\nb: 2\n", "f:1:4: a: this does not continue the list in brackets"},
		{"an escape", `a: "\q"`, "f:1:5: a: an escape that YAML does not know"},
		{"a tab", "a:\n\tb: hunter2\n", "f:2:1: a: a text cannot begin with this character: quote the text; indent " +
			"with spaces"},
		{"a colon without a space", "a:\n  b:hunter2\n  c: d\n", "the colon in line 2 has no space behind it"},
		{"a blank that is none", "a:\u00a0hunter2\nb: c\n", "line 1 has a blank that is no ordinary space"},
		{"a version of YAML", "%YAML 1.2\n---\na: b\n", "f:1:1: names a version of YAML that is not known here: leave"},
		{"a sign that YAML keeps", "a: @hunter2", "f:1:4: a: a text cannot begin with this character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := yamltree.Parse("f", []byte(c.text))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			case err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "go-yaml")):
				t.Errorf("quotes the text or the library: %v", err)
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

// What is in brackets and braces is what it would be without them.
func TestFormsThatPeopleWriteGiveTheSameTree(t *testing.T) {
	want := show(parsed(t, "source:\n  kafka:\n    brokers:\n      - 127.0.0.1:9092\n      - nats://h:4222\n"+
		"    group: g\n"))
	for _, text := range []string{
		"source: {kafka: {brokers: [127.0.0.1:9092, nats://h:4222], group: g}}",
		"source: {kafka: {brokers: [127.0.0.1:9092,\n  nats://h:4222], group: g,}}",
		"{source: {kafka: {\"brokers\": ['127.0.0.1:9092', \"nats://h:4222\"], 'group': g}}}",
		`{"source":{"kafka":{"brokers":["127.0.0.1:9092","nats://h:4222"],"group":"g"}}}`,
		"\uFEFFsource:\r\n  kafka:\r\n    brokers:\r\n    - 127.0.0.1:9092\r\n    - nats://h:4222\r\n    group: g\r\n",
		"---\nsource:\n  kafka:\n    brokers: [\n      127.0.0.1:9092, # one\n" +
			"      nats://h:4222]\n    group: g\n...\n",
	} {
		if got := show(parsed(t, text)); got != want {
			t.Errorf("%q\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func parsed(t *testing.T, text string) *yamltree.Node {
	t.Helper()
	n, err := yamltree.Parse("f", []byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return n
}

// show writes a tree without its places.
func show(n *yamltree.Node) string {
	text := n.Path + "=" + n.Describe() + " " + n.Value + "("
	for _, item := range n.Items {
		text += show(item) + ","
	}
	for _, e := range n.Entries {
		text += e.Key.Value + ": " + show(e.Value) + ","
	}
	return text + ")"
}

func TestKindsOfPlainValues(t *testing.T) {
	for text, want := range map[string]yamltree.Kind{
		"": yamltree.Null, "~": yamltree.Null, "null": yamltree.Null, "true": yamltree.Bool, "False": yamltree.Bool,
		"12": yamltree.Number, "-1.5": yamltree.Number, "1e3": yamltree.Number, ".5": yamltree.Number,
		"010": yamltree.Number, "0x1F": yamltree.Number, ".inf": yamltree.Number, ".nan": yamltree.Number,
		"yes": yamltree.Text, "1_000": yamltree.Text, "2026-01-02": yamltree.Text, "12:30": yamltree.Text,
		"localhost:9092": yamltree.Text, "1.2.3": yamltree.Text, ".a": yamltree.Text, "'1'": yamltree.Text,
		"[]": yamltree.List, "{}": yamltree.Map,
	} {
		if got := parsed(t, "k: "+text).Entries[0].Value; got.Kind != want {
			t.Errorf("%s is %s, want %s", text, got.Kind, want)
		}
	}
}

// FuzzParse proves that every text gives a tree or a mistake in our words, and that no tree is deep.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"a:\n  - b: [1, {c: d}]\n", strings.Repeat("- ", 40) + "a", strings.Repeat("? ", 40),
		strings.Repeat("a: ", 100), "a: |\n x\n" + indented(40), "rules: !x", "[a: [b: ", "-\t-\t-\ta",
		"\"a\n b\": - - -", "---\n- - -\n...\n- -", "a: &b c\n<<: *b", "a: >-\n  x\n\n  y\n", "%YAML 1.2\n---\na: 1",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := yamltree.Parse("f", data)
		if err != nil && strings.Contains(err.Error(), "go-yaml") {
			t.Errorf("the library's words: %v", err)
		}
		if n == nil {
			if err == nil {
				t.Error("neither a tree nor an error")
			}
			return
		}
		if d := nesting(n); d > 64 {
			t.Errorf("a tree %d deep was let through", d)
		}
	})
}

func nesting(n *yamltree.Node) int {
	deepest := 0
	for _, item := range n.Items {
		deepest = max(deepest, nesting(item))
	}
	for _, e := range n.Entries {
		deepest = max(deepest, nesting(e.Key), nesting(e.Value))
	}
	return deepest + 1
}
