package avro

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hamba/avro/v2"
)

func init() {
	// Java does not look at the parts of a namespace, so that my-server.public.orders is one.
	avro.SkipNameValidation = true
}

// Parse reads a schema. References are the texts of the schemas whose names it uses, those first that others need.
func Parse(schema string, references ...string) (*Schema, error) {
	cache := &avro.SchemaCache{}
	for i, reference := range references {
		if _, err := avro.ParseWithCache(bare(reference), "", cache); err != nil {
			return nil, fmt.Errorf("parse reference %d of the schema: %w", i, err)
		}
	}
	parsed, err := avro.ParseWithCache(bare(schema), "", cache)
	if err != nil {
		return nil, fmt.Errorf("parse the schema: %w", err)
	}
	root, err := (&parser{seen: map[string]*node{}}).node(parsed)
	if err != nil {
		return nil, fmt.Errorf("parse the schema: %w", err)
	}
	return &Schema{root}, nil
}

// bare is a schema without what counts only for readers that have another one: defaults, aliases and the order of
// values. Implementations disagree about which of them are valid, and values can be read whatever they are.
func bare(schema string) string {
	in := json.NewDecoder(strings.NewReader(schema))
	in.UseNumber()
	var v any
	if !json.Valid([]byte(schema)) || in.Decode(&v) != nil {
		return schema // the parser says why
	}
	strip(v)
	text, err := json.Marshal(v)
	if err != nil {
		return schema
	}
	return string(text)
}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"default", "aliases", "order"} {
			delete(v, key)
		}
		for _, member := range v {
			strip(member)
		}
	case []any:
		for _, item := range v {
			strip(item)
		}
	}
}
