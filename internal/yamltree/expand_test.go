package yamltree_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/yamltree"
)

func lookup(name string) (string, error) {
	switch name {
	case "A":
		return "a", nil
	case "EMPTY":
		return "", nil
	case "MARKS":
		return "x: {y: [${A}]} # z", nil
	case "file:/a":
		return "of a file", nil
	case "file:/none":
		return "", errors.New("open the file: no such file or directory")
	}
	return "", yamltree.ErrUnset
}

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{
		"no sign at all":             "no sign at all",
		"$A and $ and $$":            "$A and $ and $$",
		"${A}":                       "a",
		"x${A}y${A}":                 "xaya",
		"$${A}":                      "${A}",
		"$${A}${A}$${":               "${A}a${",
		"${B:-b}":                    "b",
		"${EMPTY:-b}":                "b",
		"${EMPTY}":                   "",
		"${A:-b}":                    "a",
		"${B:-}":                     "",
		"${B:-${A}}":                 "a",
		"${B:-${C:-x-${A}}}y":        "x-ay",
		"${B:-http://h:1/?q={a}}":    "http://h:1/?q={a}",
		"${MARKS}":                   "x: {y: [${A}]} # z",
		"${file:/a}":                 "of a file",
		"a ${file:/a}: ${A}":         "a of a file: a",
		"${B}":                       "${B} is not set: set the environment variable, or write ${B:-default}",
		"${A":                        "a ${ is not closed",
		"${B:-${A}":                  "a ${ is not closed",
		"${}":                        "a ${…} is none of",
		"${A-b}":                     "a ${…} is none of",
		"${A:?no}":                   "a ${…} is none of",
		"${ A }":                     "a ${…} is none of",
		"${1}":                       "a ${…} is none of",
		"${file:/none}":              "${file:…}: open the file: no such file or directory",
		strings.Repeat("${B:-", 100): "is not closed",
		strings.Repeat("${B:-", 99) + strings.Repeat("}", 99): "too many ${…} within each other",
	} {
		n := &yamltree.Node{Kind: yamltree.Text, Value: text}
		if err := yamltree.Expand(n, nil, lookup); err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
		} else if n.Value != want {
			t.Errorf("%s: %q, want %q", text, n.Value, want)
		}
	}
}

// A value is a text, whatever it looks like, and its kind is that of the field.
func TestExpandedValues(t *testing.T) {
	tree := parsed(t, "'${A}': 1\nlist: ['${A},b', '${A}']\ncommas: '${A}, b'\nnumber: ${B:-12}\ntruth: ${B:-true}\n"+
		"text: ${B:-12}\nvoid: ${EMPTY}\nrules: ['${B}']\nmarks: ${MARKS}\n")
	if err := yamltree.Expand(tree, []string{"rules"}, lookup); err != nil {
		t.Fatal(err)
	}
	var got struct {
		List, Commas, Void, Rules []string
		Number                    int
		Truth                     bool
		Text, Marks               string
		Key                       int `yaml:"${A}"`
	}
	if err := yamltree.Decode(tree, &got); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got.List, "|") != "a|b|a" || strings.Join(got.Commas, "|") != "a|b" || got.Number != 12 ||
		!got.Truth || got.Text != "12" || got.Key != 1 || got.Rules[0] != "${B}" || got.Marks != "x: {y: [${A}]} # z" {
		t.Errorf("%+v", got)
	}
	var wrong struct{ Marks int }
	err := yamltree.Decode(parsedAndExpanded(t, "marks: ${MARKS}"), &wrong)
	if err == nil || strings.Contains(err.Error(), "x: {") || !strings.Contains(err.Error(), "what ${} gave") {
		t.Errorf("the value is quoted: %v", err)
	}
}

func parsedAndExpanded(t *testing.T, text string) *yamltree.Node {
	t.Helper()
	n := parsed(t, text)
	if err := yamltree.Expand(n, nil, lookup); err != nil {
		t.Fatal(err)
	}
	return n
}

type described struct {
	Size  int      `yaml:"size"`
	Names []string `yaml:"names"`
	Word  string   `yaml:"word,lower"`
	Inner struct {
		Wait time.Duration `yaml:"wait"`
	} `yaml:"inner"`
	hidden bool
}

var descriptions = map[string]yamltree.Row{
	"size":       {Unit: "bytes", Meaning: "How much.", Required: true},
	"word":       {Choices: []string{"a", "b"}, Default: "a"},
	"inner.wait": {Meaning: "How long."},
}

func TestRows(t *testing.T) {
	d := described{Size: 3, hidden: true}
	d.Inner.Wait = time.Second
	rows := yamltree.Described(yamltree.Rows(&d), "", func(path string) yamltree.Row { return descriptions[path] })
	if len(rows) != 4 {
		t.Fatalf("%+v", rows)
	}
	for i, want := range []string{
		"size whole number 0 3 bytes How much. true []", "names text 1    false []", "word text 0 a   false [a b]",
		"inner map 0    false []",
	} {
		r := rows[i]
		if got := fmt.Sprint(r.Key, " ", r.Form, " ", r.Many, " ", r.Default, " ", r.Unit, " ", r.Meaning, " ",
			r.Required, " ", r.Choices); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	inside := rows[3].Inside()
	if len(inside) != 1 || inside[0].Form != yamltree.InDuration || inside[0].Default != "1s" ||
		inside[0].Meaning != "How long." {
		t.Errorf("%+v", inside)
	}
}

func TestMergeAndSet(t *testing.T) {
	tree := yamltree.Merge(parsed(t, "a: {b: 1, c: [1, 2], d: x}\ne: 1\n"), parsed(t, "a: {c: [3], f: y}\ng: {h: 1}\n"))
	for _, s := range []struct{ path, value string }{
		{"a.b", "2"}, {"a.c[1]", "{x: 1}"}, {"a.c[1].y", "[z]"}, {"g", "text"}, {"n.m[0].k", "'1'"}, {"e", ""},
		{"a.o-p.q", "3"},
	} {
		var err error
		if tree, err = yamltree.Set(tree, "--set", s.path, s.value); err != nil {
			t.Fatalf("%s=%s: %v", s.path, s.value, err)
		}
	}
	want := parsed(t, "a: {b: 2, c: [3, {x: 1, y: [z]}], d: x, f: y, o-p: {q: 3}}\ne:\ng: text\nn: {m: [{k: '1'}]}\n")
	if got, want := show(tree), show(want); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for path, want := range map[string]string{
		"":             "is no path",
		".a":           "is no path",
		"a..b":         "is no path",
		"a[x]":         "is no path",
		"[0]":          "is no path",
		"a.d.x":        "there is no map in which x could be set, but a text",
		"a.b[0]":       "there is no list of which an item could be set, but a number",
		"a.c[7]":       "the list ends before it: the next item is [2]",
		"a[99999]":     "is no path",
		"a.c[0][0].z":  "there is no list of which",
		"source kafka": "is no path",
	} {
		if _, err := yamltree.Set(tree, "--set", path, "1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	if _, err := yamltree.Set(tree, "--set", "a.b", "[1"); err == nil {
		t.Error("broken YAML is taken")
	}
	if n := tree.Get("a").Get("c").Items[1].Get("y").Items[0]; n.String() != "--set" || n.Path != "a.c[1].y[0]" {
		t.Errorf("stands in %s at %s", n.Place, n.Path)
	}
}

// One mistake of syntax hides neither another one nor what is whole.
func TestPartsOfABrokenText(t *testing.T) {
	text := "# head\na:\n  b: [1\nc: {d: 1}\nrules:\n  - name: x\n    do: .a: b\n  - name: y\n    do: [1, 2]\n" +
		"  - name: \"z\n    do: 1\ne: 1\ne: 2\nf: !x\n"
	tree, err := yamltree.Parse("f", []byte(text))
	for _, want := range []string{
		"f:3:6: a: this does not continue the list", "f:7:11: rules[0]: a colon with a space behind it has no place " +
			"here: quote the text that holds it, or look at the indentation; quote this expression",
		"f:10:11: rules[2]: a quote is opened here and not closed", "f:14:4: f: a YAML tag",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if got := show(tree.Get("rules").Items[1]); !strings.HasPrefix(got, "rules[1]=a map") ||
		!strings.Contains(got, "rules[1].do[1]=a number 2") {
		t.Error(got)
	}
	if n := tree.Get("c").Get("d"); n == nil || n.Line != 4 || n.Column != 8 || tree.Get("a").Kind != yamltree.Broken {
		t.Errorf("%+v", n)
	}
}
