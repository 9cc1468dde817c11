package avro

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/avro"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/logical"
)

// Schema says how values are encoded.
type Schema struct{ root *node }

// node is one part of a schema. A part that a schema refers to by its name is the same node wherever it stands.
type node struct {
	kind  kind
	names []string // of a record's fields
	texts []string // of a record: each field's name as a member of an object; of an enum: each symbol as JSON
	parts []*node  // of a record and a union, in order; of an array and a map, one
	sized bool     // a fixed
	size  int      // of a fixed
	scale int      // of a decimal
	unit  logical.Unit
}

// kind is how a part is encoded, and what is written for it.
type kind uint8

const (
	null kind = iota
	boolean
	integer // an int or a long
	timed   // one that counts a time
	float
	double
	text
	binary   // bytes, or a fixed
	decimal  // the same
	uuid     // a fixed of 16 bytes
	duration // a fixed of 12 bytes
	record
	variableDecimal // a record of a scale and bytes
	enum
	array
	dictionary
	union
)

// parser makes nodes of schemas, one for each full name.
type parser struct{ seen map[string]*node }

var errScale = errors.New("a decimal has no usable scale")

// primitives are the types that have no name and no parts.
var primitives = map[string]kind{
	"boolean": boolean, "int": integer, "long": integer, "float": float, "double": double, "string": text,
	"bytes": binary, "null": null,
}

// node makes the node of a part that stands in a namespace.
func (p *parser) node(s *avro.SchemaNode, namespace string) (*node, error) {
	n := &node{}
	switch s.Type {
	case "array":
		return n, p.parts(n, array, namespace, s.Items)
	case "map":
		return n, p.parts(n, dictionary, namespace, s.Values)
	case "union":
		branches := make([]*avro.SchemaNode, len(s.Branches))
		for i := range branches {
			branches[i] = &s.Branches[i]
		}
		return n, p.parts(n, union, namespace, branches...)
	case "record", "error", "enum", "fixed":
		return n, p.named(n, s)
	}
	if k, ok := primitives[s.Type]; ok {
		n.kind = k
		return n, n.primitive(s)
	}
	// A name without dots is looked for in the namespace first.
	for _, name := range []string{fullName(s.Type, namespace), s.Type} {
		if known := p.seen[name]; known != nil {
			return known, nil
		}
	}
	return nil, fmt.Errorf("there is no type %s", s.Type)
}

func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

func (p *parser) parts(n *node, k kind, namespace string, schemas ...*avro.SchemaNode) error {
	n.kind = k
	for _, s := range schemas {
		part, err := p.node(s, namespace)
		if err != nil {
			return err
		}
		n.parts = append(n.parts, part)
	}
	return nil
}

func (p *parser) named(n *node, s *avro.SchemaNode) error {
	name := fullName(s.Name, s.Namespace)
	p.seen[name] = n // before its parts, which may hold it
	switch s.Type {
	case "fixed":
		return n.fixed(s)
	case "enum":
		n.kind = enum
		for _, symbol := range s.Symbols {
			n.texts = append(n.texts, jsontext.Of(symbol))
		}
		return nil
	}
	n.kind = record
	if name == "io.debezium.data.VariableScaleDecimal" && len(s.Fields) == 2 && s.Fields[0].Name == "scale" &&
		s.Fields[1].Name == "value" {
		n.kind = variableDecimal
		return nil
	}
	namespace := ""
	if end := strings.LastIndexByte(name, '.'); end > 0 {
		namespace = name[:end]
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if err := p.parts(n, record, namespace, &f.Type); err != nil {
			return err
		}
		n.names = append(n.names, f.Name)
		n.texts = append(n.texts, jsontext.Of(f.Name)+":")
	}
	return nil
}

func (n *node) primitive(s *avro.SchemaNode) error {
	if unit, ok := unitOf(s); ok && n.kind == integer {
		n.kind, n.unit = timed, unit
	}
	return n.decimalOf(s)
}

func (n *node) fixed(s *avro.SchemaNode) error {
	n.kind, n.sized, n.size = binary, true, s.Size
	switch {
	case s.LogicalType == "duration" && n.size == 12:
		n.kind = duration
	case s.LogicalType == "uuid" && n.size == 16:
		n.kind = uuid
	}
	return n.decimalOf(s)
}

// decimalOf takes over the scale of a decimal.
func (n *node) decimalOf(s *avro.SchemaNode) error {
	if s.LogicalType != "decimal" || n.kind != binary || s.Precision == 0 {
		return nil
	}
	if s.Scale > logical.MaxScale || s.Scale < 0 {
		return errScale
	}
	n.kind, n.scale = decimal, s.Scale
	return nil
}

var units = map[string]logical.Unit{
	"date": logical.Days, "time-millis": logical.MillisOfDay, "time-micros": logical.MicrosOfDay,
	"time-nanos": logical.NanosOfDay, "timestamp-millis": logical.Millis, "timestamp-micros": logical.Micros,
	"timestamp-nanos": logical.Nanos, "local-timestamp-millis": logical.Millis,
	"local-timestamp-micros": logical.Micros, "local-timestamp-nanos": logical.Nanos,
}

// unitOf is what an int or a long counts, by its logical type or, where Kafka Connect wrote the schema, by the name
// that it has there.
func unitOf(s *avro.SchemaNode) (logical.Unit, bool) {
	if s.LogicalType != "" {
		unit, ok := units[s.LogicalType]
		return unit, ok
	}
	name, _ := s.Props["connect.name"].(string)
	return logical.UnitOf(name)
}
