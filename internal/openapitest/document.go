package openapitest

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/oklog/ulid/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed testdata/*.json
var files embed.FS

type object = map[string]any

// document is one of the official documents.
type document struct {
	api      string // the name of its file
	servers  []string
	root     object
	compiler *jsonschema.Compiler
	items    map[string]string // where the schemas of a batch's items are, by type and action
}

// read reads the documents.
func read() ([]*document, error) {
	names, err := files.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var all []*document
	for _, name := range names {
		d := &document{api: strings.TrimSuffix(name.Name(), ".json"), items: map[string]string{},
			compiler: jsonschema.NewCompiler()}
		text, err := files.ReadFile(path.Join("testdata", name.Name()))
		if err != nil {
			return nil, err
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name.Name(), err)
		}
		d.root, _ = v.(object)
		for _, server := range list(d.root, "servers") {
			d.servers = append(d.servers, textOf(server, "url"))
		}
		d.prepare()
		all = append(all, d)
	}
	return all, nil
}

// prepare takes the alternatives for the items of a batch out, which are told apart here.
func (d *document) prepare() {
	for _, item := range member(d.root, "paths") {
		for _, op := range asObject(item) {
			batch := member(op, "requestBody", "content", "application/json", "schema", "properties", "batch")
			if d.api == "track" && batch != nil {
				d.takeItems(batch["items"])
				delete(batch, "items")
			}
		}
	}
	for _, schema := range member(d.root, "components", "schemas") {
		fillWords(asObject(schema))
	}
	for _, name := range []string{"ulid", "ULID"} {
		d.compiler.RegisterFormat(&jsonschema.Format{Name: name, Validate: checkULID})
	}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(d.url(""), d.root); err != nil {
		panic(err) // of a document in testdata
	}
}

// fillWords has a word with <object_type_id> in it stand for what any number makes of it.
func fillWords(schema object) {
	var words []string
	for _, word := range list(schema, "enum") {
		quoted := regexp.QuoteMeta(fmt.Sprint(word))
		words = append(words, strings.ReplaceAll(quoted, "<object_type_id>", "[0-9]+"))
	}
	if all := strings.Join(words, "|"); strings.Contains(all, "[0-9]+") {
		delete(schema, "enum")
		schema["pattern"] = "^(" + all + ")$"
	}
}

func checkULID(v any) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := ulid.ParseStrict(text)
	return err
}

func (d *document) url(pointer string) string {
	return "https://documents.invalid/" + d.api + "#" + pointer
}

// schema compiles the schema at a JSON pointer.
func (d *document) schema(pointer string) (*jsonschema.Schema, error) {
	return d.compiler.Compile(d.url(pointer))
}

// takeItems notes the alternatives of a batch's items by the words that their type and action must be.
func (d *document) takeItems(schema any) {
	for _, keyword := range []string{"anyOf", "oneOf"} {
		for _, alternative := range list(schema, keyword) {
			name := strings.TrimPrefix(textOf(alternative, "$ref"), "#/components/schemas/")
			if name == "" {
				d.takeItems(alternative)
				continue
			}
			key := d.word(alternative, "type") + " " + d.word(alternative, "action")
			d.items[key] = "/components/schemas/" + name
		}
	}
}

// word is the only word that a member may be.
func (d *document) word(schema any, name string) string {
	for _, part := range d.parts(schema) {
		if words := list(member(part, "properties", name), "enum"); len(words) == 1 {
			return fmt.Sprint(words[0])
		}
	}
	return ""
}

// parts are a schema and all that it consists of: what it refers to, and alternatives whether they hold or not.
func (d *document) parts(schema any) []object {
	s := d.resolve(schema)
	if s == nil {
		return nil
	}
	all := []object{s}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		for _, part := range list(s, keyword) {
			all = append(all, d.parts(part)...)
		}
	}
	return all
}

// resolve follows a reference.
func (d *document) resolve(v any) object {
	for ref := textOf(v, "$ref"); ref != ""; ref = textOf(v, "$ref") {
		v = member(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return asObject(v)
}

func asObject(v any) object {
	o, _ := v.(object)
	return o
}

func member(v any, path ...string) object {
	for _, name := range path {
		v = asObject(v)[name]
	}
	return asObject(v)
}

func list(v any, name string) []any {
	l, _ := asObject(v)[name].([]any)
	return l
}

func textOf(v any, name string) string {
	s, _ := asObject(v)[name].(string)
	return s
}
