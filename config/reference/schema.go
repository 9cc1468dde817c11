package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// Names are the kinds of files that have a schema.
func Names() []string { return []string{"config", "rules"} }

// Schema is the JSON Schema (draft 7) of a kind of file.
func Schema(name string) ([]byte, error) {
	var root schema
	switch name {
	case "config":
		root = writer{expands: true}.object(config.Rows())
		root["title"] = "Configuration of ciobridge"
	case "rules":
		root = writer{strict: true}.object(rulefile.Rows())
		root["title"] = "Rule file of ciobridge"
	default:
		return nil, fmt.Errorf("there is no schema %q", name)
	}
	return encode(share(root))
}

// schema is a JSON Schema, or a part of one.
type schema map[string]any

func encode(s schema) ([]byte, error) {
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	return out.Bytes(), nil
}

// share moves maps that stand in several places to definitions.
func share(root schema) schema {
	s := sharer{count: map[string]int{}, names: map[string]string{}, definitions: schema{}}
	s.look(root)
	for key, part := range root {
		root[key] = s.replace(key, part)
	}
	if len(s.definitions) > 0 {
		root["definitions"] = s.definitions
	}
	return root
}

// sharer knows parts by their text.
type sharer struct {
	count       map[string]int
	names       map[string]string
	definitions schema
}

func text(part any) string {
	data, _ := json.Marshal(part) // of maps, lists and texts it cannot fail
	return string(data)
}

func (s *sharer) look(part any) {
	switch part := part.(type) {
	case []schema:
		for _, p := range part {
			s.look(p)
		}
	case schema:
		if part["properties"] != nil {
			s.count[text(part)]++
		}
		for _, p := range part {
			s.look(p)
		}
	}
}

// transparent are the keywords of JSON Schema below which a part keeps its name.
var transparent = []string{"properties", "anyOf", "then", "else", "items", "additionalProperties"}

// replace is a part with references to what is shared. Key is the one below which it stands, which names it.
func (s *sharer) replace(key string, part any) any {
	switch part := part.(type) {
	case []schema:
		out := make([]schema, len(part))
		for i, p := range part {
			out[i] = s.replace(key, p).(schema)
		}
		return out
	case schema:
		whole := text(part)
		if name, ok := s.names[whole]; ok {
			return schema{"$ref": "#/definitions/" + name}
		}
		shared := part["properties"] != nil && s.count[whole] > 1
		name := key
		for n := 2; shared && s.definitions[name] != nil; n++ {
			name = fmt.Sprintf("%s%d", key, n)
		}
		if shared {
			s.names[whole], s.definitions[name] = name, schema{}
		}
		out := schema{}
		for _, inner := range sorted(part) {
			under := inner
			if slices.Contains(transparent, inner) {
				under = key
			}
			out[inner] = s.replace(under, part[inner])
		}
		if shared {
			s.definitions[name] = out
			return schema{"$ref": "#/definitions/" + name}
		}
		return out
	}
	return part
}
