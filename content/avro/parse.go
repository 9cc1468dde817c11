package avro

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// Parse reads a schema. References are the texts of the schemas whose names it uses, those first that others need.
func Parse(schema string, references ...string) (*Schema, error) {
	cache, p := &avro.SchemaCache{}, &parser{seen: map[string]*node{}}
	for i, reference := range references {
		if _, err := p.parse(cache, reference); err != nil {
			return nil, fmt.Errorf("parse reference %d of the schema: %w", i, err)
		}
	}
	root, err := p.parse(cache, schema)
	if err != nil {
		return nil, fmt.Errorf("parse the schema: %w", err)
	}
	return &Schema{root}, nil
}

func (p *parser) parse(cache *avro.SchemaCache, schema string) (*node, error) {
	// Java does not look at the parts of a namespace, so that my-server.public.orders is one.
	parsed, err := cache.Parse(bare(schema), avro.WithLaxNames(nil))
	if err != nil {
		return nil, err
	}
	return p.node(parsed.Root(), "")
}

// bare is a schema without what counts only for readers that have another one: defaults, aliases and the order of
// values. Implementations disagree about which of them are valid, and values can be read whatever they are. So do they
// about members that are null.
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
		for key, member := range v {
			if member == nil || slices.Contains([]string{"default", "aliases", "order"}, key) {
				delete(v, key)
			}
		}
		if v["logicalType"] == "decimal" && !isDecimal(v) {
			delete(v, "logicalType")
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

// isDecimal reports whether the numbers of a decimal make one. Where they do not, it is read as the bytes that it
// stands in: Avro asks for that, and the library refuses the schema.
func isDecimal(part map[string]any) bool {
	integer := func(key string) (int64, bool) {
		number, _ := part[key].(json.Number)
		n, err := number.Int64()
		return n, err == nil
	}
	precision, ok := integer("precision")
	if !ok || precision <= 0 {
		return false
	}
	if _, given := part["scale"]; given {
		if scale, ok := integer("scale"); !ok || scale < 0 || scale > precision {
			return false
		}
	}
	size, ok := integer("size")
	return part["type"] != "fixed" || !ok || float64(precision) <= math.Log10(2)*float64(8*size-1)
}
