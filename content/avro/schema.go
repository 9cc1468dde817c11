package avro

import (
	"errors"
	"fmt"

	"github.com/hamba/avro/v2"

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

// parser makes nodes of a schema, one for each name.
type parser struct{ seen map[string]*node }

var errScale = errors.New("a decimal has no usable scale")

func (p *parser) node(s avro.Schema) (*node, error) {
	if ref, ok := s.(*avro.RefSchema); ok {
		s = ref.Schema()
	}
	n := &node{}
	if named, ok := s.(avro.NamedSchema); ok {
		if known := p.seen[named.FullName()]; known != nil {
			return known, nil
		}
		p.seen[named.FullName()] = n // before its parts, which may hold it
	}
	return n, p.fill(n, s)
}

// fill says what a node is.
func (p *parser) fill(n *node, s avro.Schema) error {
	switch s := s.(type) {
	case *avro.NullSchema:
		n.kind = null
	case *avro.PrimitiveSchema:
		return n.primitive(s)
	case *avro.FixedSchema:
		return n.fixed(s)
	case *avro.EnumSchema:
		n.kind = enum
		for _, symbol := range s.Symbols() {
			n.texts = append(n.texts, jsontext.Of(symbol))
		}
	case *avro.RecordSchema:
		return p.record(n, s)
	case *avro.ArraySchema:
		return p.parts(n, array, s.Items())
	case *avro.MapSchema:
		return p.parts(n, dictionary, s.Values())
	case *avro.UnionSchema:
		return p.parts(n, union, s.Types()...)
	default:
		return fmt.Errorf("there is no type %s", s.Type())
	}
	return nil
}

func (p *parser) parts(n *node, k kind, schemas ...avro.Schema) error {
	n.kind = k
	for _, s := range schemas {
		part, err := p.node(s)
		if err != nil {
			return err
		}
		n.parts = append(n.parts, part)
	}
	return nil
}

func (p *parser) record(n *node, s *avro.RecordSchema) error {
	n.kind = record
	if s.FullName() == "io.debezium.data.VariableScaleDecimal" && len(s.Fields()) == 2 &&
		s.Fields()[0].Name() == "scale" && s.Fields()[1].Name() == "value" {
		n.kind = variableDecimal
		return nil
	}
	for _, f := range s.Fields() {
		part, err := p.node(f.Type())
		if err != nil {
			return err
		}
		n.parts = append(n.parts, part)
		n.names = append(n.names, f.Name())
		n.texts = append(n.texts, jsontext.Of(f.Name())+":")
	}
	return nil
}

var primitives = map[avro.Type]kind{
	avro.Boolean: boolean, avro.Int: integer, avro.Long: integer, avro.Float: float, avro.Double: double,
	avro.String: text, avro.Bytes: binary, avro.Null: null,
}

func (n *node) primitive(s *avro.PrimitiveSchema) error {
	k, ok := primitives[s.Type()]
	if !ok {
		return fmt.Errorf("there is no type %s", s.Type())
	}
	n.kind = k
	if unit, ok := unitOf(s.Logical(), s); ok && k == integer {
		n.kind, n.unit = timed, unit
	}
	return n.decimalOf(s.Logical())
}

func (n *node) fixed(s *avro.FixedSchema) error {
	n.kind, n.sized, n.size = binary, true, s.Size()
	name, _ := s.Prop("logicalType").(string)
	if l := s.Logical(); l != nil {
		name = string(l.Type())
	}
	switch {
	case name == string(avro.Duration) && n.size == 12:
		n.kind = duration
	case name == string(avro.UUID) && n.size == 16:
		n.kind = uuid
	}
	return n.decimalOf(s.Logical())
}

// decimalOf takes over the scale of a decimal.
func (n *node) decimalOf(l avro.LogicalSchema) error {
	d, ok := l.(*avro.DecimalLogicalSchema)
	if !ok || n.kind != binary {
		return nil
	}
	if d.Scale() > logical.MaxScale || d.Scale() < 0 {
		return errScale
	}
	n.kind, n.scale = decimal, d.Scale()
	return nil
}

var units = map[string]logical.Unit{
	string(avro.Date): logical.Days, string(avro.TimeMillis): logical.MillisOfDay,
	string(avro.TimeMicros): logical.MicrosOfDay, "time-nanos": logical.NanosOfDay,
	string(avro.TimestampMillis): logical.Millis, string(avro.TimestampMicros): logical.Micros,
	"timestamp-nanos":                 logical.Nanos,
	string(avro.LocalTimestampMillis): logical.Millis, string(avro.LocalTimestampMicros): logical.Micros,
	"local-timestamp-nanos": logical.Nanos,
}

// unitOf is what an int or a long counts, by its logical type or, where Kafka Connect wrote the schema, by the name
// that it has there.
func unitOf(l avro.LogicalSchema, s *avro.PrimitiveSchema) (logical.Unit, bool) {
	if l != nil {
		unit, ok := units[string(l.Type())]
		return unit, ok
	}
	if name, _ := s.Prop("logicalType").(string); name != "" {
		unit, ok := units[name]
		return unit, ok
	}
	name, _ := s.Prop("connect.name").(string)
	return logical.UnitOf(name)
}
