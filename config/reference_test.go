// The tests of the reference have one goroutine: the race detector would find nothing, and takes half a minute for it.

//go:build !race

package config_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/config/reference"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

var update = flag.Bool("update", false, "write the tables of the documents and the schemas anew")

const begin, end = "<!-- keys: made by go test ./config -update -->\n", "<!-- end of keys -->\n"

// The tables in the documents, and the files of schemas, are as the rows have them.
func TestTheDocumentsShowEveryKey(t *testing.T) {
	for document, tables := range map[string]string{
		"../docs/configuration.md": reference.Tables(config.Rows(), "The file", "rules"),
		// The keys of any_of are those of do.
		"../docs/rules.md": reference.Tables(rulefile.Rows(), "A rule file", "any_of"),
	} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(string(text), begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s has no place for the tables of keys", document)
		}
		compare(t, document, before+begin+strings.TrimSuffix(tables, "\n")+end+after)
	}
	for _, name := range reference.Names() {
		data, err := reference.Schema(name)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join("schema", name+".json"), string(data))
	}
}

func compare(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if *update {
		err = os.WriteFile(path, []byte(want), 0o644)
		got = []byte(want)
	}
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not as the rows of keys have it: go test ./config -update writes it", path)
	}
}

// keyOf is the key of a row; any name may stand where it has none.
func keyOf(r yamltree.Row) string { return cmp.Or(r.Key, "NAME") }

// each visits all rows with their paths. Of the steps that any_of lists, whose keys are those of do, it visits one
// action.
func each(rows []yamltree.Row, under string, visit func(path string, r yamltree.Row)) {
	for _, r := range rows {
		path := strings.TrimPrefix(under+"."+keyOf(r), ".")
		visit(path, r)
		if r.Inside == nil {
			continue
		}
		inside := r.Inside()
		if r.Key == "any_of" {
			inside = slices.DeleteFunc(slices.Clone(inside), func(r yamltree.Row) bool {
				return r.Inside != nil && r.Key != "track"
			})
		}
		each(inside, path, visit)
	}
}

// Every key says what it means, and shows an example.
func TestEveryKeyIsDescribed(t *testing.T) {
	for where, rows := range map[string][]yamltree.Row{
		"the table of meanings in config/meaning.go":           config.Rows(),
		"the key's row in a table of package mapping/rulefile": rulefile.Rows(),
	} {
		each(rows, "", func(path string, r yamltree.Row) {
			if !strings.HasSuffix(r.Meaning, ".") {
				t.Errorf("%s has no meaning: write a sentence as Meaning in %s", path, where)
			}
			if r.Example == "" && r.Inside == nil {
				t.Errorf("%s has no example: write one in YAML as Example in %s", path, where)
			}
			if r.Form == "" {
				t.Errorf("%s has no form: give yamltree.rowOf, or the row, one", path)
			}
		})
	}
}

// validators are the compiled schemas that tests have asked for.
var validators = map[string]*jsonschema.Schema{}

func validator(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	if validators[name] == nil {
		validators[name] = compiled(t, name)
	}
	return validators[name]
}

func compiled(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	data, err := reference.Schema(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a text of YAML as an editor sees it.
func instance(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Schemas take the files that this repository has.
func TestSchemasTakeTheExamples(t *testing.T) {
	for name, patterns := range map[string][]string{
		"config": {"example.yaml", "../deploy/compose/kafka.yaml", "../deploy/compose/nats.yaml"},
		"rules":  {"rules/*.yaml"},
	} {
		s := validator(t, name)
		for _, pattern := range patterns {
			files, err := filepath.Glob(pattern)
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: no files (%v)", pattern, err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Validate(instance(t, string(text))); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
}

// What is wrong inside a map or a list is told there, and not that the map is no text: an editor shows that and nothing
// else.
func TestSchemasTellTheInnermostMistake(t *testing.T) {
	for _, c := range []struct{ name, text, at, want string }{
		{"config", "source: {kafka: {topics: [{nme: x}]}}", "/source/kafka/topics/0", "'nme' not allowed"},
		{"config", "source: {kafka: {topics: [{name: x, envelope: {typ: .x}}]}}", "/source/kafka/topics/0/envelope",
			"'typ' not allowed"},
		{"config", "source: {kafka: {sasl: {password: {fil: x}}}}", "/source/kafka/sasl/password", "'fil' not allowed"},
		{"rules", "rules: [{name: a, event: e, do: [{track: {person: {mail: .x}, name: y}}]}]",
			"/rules/0/do/0/track/person", "'mail' not allowed"},
		{"rules", "rules: [{name: a, event: e, do: [{identify: {person: .x, attributes: [.a, {b: {valu: .c, " +
			"value: .d}}]}}]}]", "/rules/0/do/0/identify/attributes/1/b", "'valu' not allowed"},
		{"rules", "rules: [{name: a, event: [e, [f]], do: [{track: {person: .x, name: y}}]}]", "/rules/0/event/1",
			"want string"},
	} {
		var wrong *jsonschema.ValidationError
		if !errors.As(validator(t, c.name).Validate(instance(t, c.text)), &wrong) {
			t.Fatalf("%s is taken", c.text)
		}
		var told []string
		for leaves := []*jsonschema.ValidationError{wrong}; len(leaves) > 0; leaves = leaves[1:] {
			if leaf := leaves[0]; len(leaf.Causes) == 0 {
				told = append(told, "/"+strings.Join(leaf.InstanceLocation, "/")+": "+leaf.Error())
			}
			leaves = append(leaves, leaves[0].Causes...)
		}
		if len(told) != 1 || !strings.HasPrefix(told[0], c.at+": ") || !strings.Contains(told[0], c.want) {
			t.Errorf("%s: told %q, want %s: %s", c.text, told, c.at, c.want)
		}
	}
}

// The lines that tell editors of the schemas name files that exist.
func TestExamplesNameTheirSchema(t *testing.T) {
	files, _ := filepath.Glob("rules/*.yaml")
	for _, file := range append(files, "example.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(text), "# yaml-language-server: $schema=")
		path, _, _ := strings.Cut(rest, "\n")
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), path)); !found || err != nil {
			t.Errorf("%s names no schema (%v)", file, err)
		}
	}
}

func TestSchemaOfAnotherName(t *testing.T) {
	if _, err := reference.Schema("other"); err == nil {
		t.Error("there is a schema of another name")
	}
}
