package connect

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/ciobridge/ciobridge/internal/logical"
)

// Schema is the schema of a record: its text, and what that says of values.
type Schema struct {
	Name string // as Kafka Connect names it, such as shop.public.customers.Envelope; empty where it has none
	Type *Type  // of the payload; nil where the text says nothing of it

	text []byte
}

// Type says how values of one part of a payload are written.
type Type struct {
	form   form
	scale  int            // of a decimal
	unit   logical.Unit   // of a time
	fields []field        // of a struct, in order
	byName map[string]int // their places
	items  *Type          // of an array
	values *Type          // of a map
	plain  bool           // nothing in it is written otherwise than as plain JSON
}

type field struct {
	name string
	of   *Type
}

// form is how a value is written that plain JSON has no type for.
type form uint8

const (
	asItIs form = iota
	decimal
	variableDecimal
	timed
)

// formOf is the form of the types that Kafka Connect and Debezium name.
func formOf(name string) (form, logical.Unit) {
	switch name {
	case "org.apache.kafka.connect.data.Decimal":
		return decimal, 0
	case "io.debezium.data.VariableScaleDecimal":
		return variableDecimal, 0
	}
	if unit, ok := logical.UnitOf(name); ok {
		return timed, unit
	}
	return asItIs, 0
}

// written is a schema as JsonConverter writes it.
type written struct {
	Name       string    `json:"name"`
	Field      string    `json:"field"`
	Fields     []written `json:"fields"`
	Items      *written  `json:"items"`
	Values     *written  `json:"values"`
	Parameters struct {
		Scale string `json:"scale"`
	} `json:"parameters"`
}

var (
	errSchema = errors.New("the schema beside the payload is none that Kafka Connect writes")
	errScale  = errors.New("the schema beside the payload has a decimal without a usable scale")
)

// parseSchema reads the text of a schema, which is valid JSON, and keeps a copy of it.
func parseSchema(text []byte) (*Schema, error) {
	s := &Schema{text: append([]byte(nil), text...)}
	var w *written
	if err := json.Unmarshal(s.text, &w); err != nil {
		return nil, errSchema // the error of package json could quote the text
	}
	if w == nil {
		return s, nil
	}
	var err error
	s.Name = w.Name
	s.Type, err = w.typ()
	return s, err
}

// typ gives the type of a part of the schema.
func (w *written) typ() (*Type, error) {
	t := &Type{}
	t.form, t.unit = formOf(w.Name)
	t.plain = t.form == asItIs
	switch t.form {
	case asItIs:
	case decimal:
		var err error
		t.scale, err = strconv.Atoi(w.Parameters.Scale)
		if err != nil || t.scale > logical.MaxScale || t.scale < -logical.MaxScale {
			return nil, errScale
		}
		return t, nil
	default:
		return t, nil
	}
	for i := range w.Fields {
		of, err := w.Fields[i].typ()
		if err != nil {
			return nil, err
		}
		if t.byName == nil {
			t.byName = make(map[string]int, len(w.Fields))
		}
		t.byName[w.Fields[i].Field] = len(t.fields)
		t.fields = append(t.fields, field{w.Fields[i].Field, of})
		t.plain = t.plain && of.plain
	}
	var err error
	if t.items, err = w.Items.part(t); err == nil {
		t.values, err = w.Values.part(t)
	}
	return t, err
}

// part gives the type of what is in values of the type t; nil where the schema has none.
func (w *written) part(t *Type) (*Type, error) {
	if w == nil {
		return nil, nil
	}
	of, err := w.typ()
	t.plain = t.plain && of.Plain()
	return of, err
}

// Plain reports whether values of the type are written as plain JSON throughout. It is so for no type at all.
func (t *Type) Plain() bool { return t == nil || t.plain }

// Field is the type of a struct's field; nil where there is none of that name.
func (t *Type) Field(name string) *Type {
	if t == nil {
		return nil
	}
	if i, ok := t.byName[name]; ok {
		return t.fields[i].of
	}
	return nil
}
