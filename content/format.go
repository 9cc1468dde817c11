package content

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
)

// The forms of values and keys. JSON is read as it is.
const (
	JSON       = "json"
	Avro       = "avro"
	Protobuf   = "protobuf"
	JSONSchema = "json_schema"
)

// NeedsRegistry reports whether values of a form cannot be read without their schema.
func NeedsRegistry(form string) bool { return form == Avro || form == Protobuf }

// types are the names of the forms in a registry.
var types = map[string]string{Avro: "AVRO", Protobuf: "PROTOBUF", JSONSchema: "JSON"}

const maxValue = 1 << 20

var (
	errLong     = errors.New("is longer than 1 MiB")
	errUnframed = errors.New("does not begin with a zero and the number of a schema, as serializers of a schema " +
		"registry write it")
	errPlain = errors.New("is JSON without the number of a schema before it; content: json reads it")
)

// The headers in which serializers name the schema, where they do not write it before the value or key.
const (
	valueHeader = "__value_schema_id"
	keyHeader   = "__key_schema_id"
)

func header(m *event.Message, key string) []byte {
	for i := range m.Headers {
		if m.Headers[i].Key == key {
			return m.Headers[i].Value
		}
	}
	return nil
}

// schemaOf reads how a schema is named: a zero and its number, or a one and its GUID. Rest is what follows.
func schemaOf(text []byte) (ref registry.Ref, rest []byte, ok bool) {
	switch {
	case len(text) >= 5 && text[0] == 0:
		return registry.Ref{ID: binary.BigEndian.Uint32(text[1:])}, text[5:], true
	case len(text) >= 17 && text[0] == 1:
		copy(ref.GUID[:], text[1:17])
		return ref, text[17:], true
	}
	return ref, nil, false
}

// unframe takes the name of the schema from a value, or from the header where there is one. In Protobuf the place of
// the message in the schema follows the name, and so stands in the header as well.
func unframe(form string, header, value []byte) (ref registry.Ref, data []byte, err error) {
	if len(value) > maxValue {
		return ref, nil, errLong
	}
	if header != nil {
		if ref, rest, ok := schemaOf(header); ok {
			if form == Protobuf {
				value = append(rest[:len(rest):len(rest)], value...)
			}
			return ref, value, nil
		}
	}
	ref, data, ok := schemaOf(value)
	switch {
	case ok:
		return ref, data, nil
	case len(value) > 0 && (value[0] == '{' || value[0] == '['):
		return ref, nil, errPlain
	}
	return ref, nil, errUnframed
}

// isFramed reports whether a key has the form of those that name their schema. Others are taken as they are.
func isFramed(header, key []byte) bool {
	if _, _, ok := schemaOf(header); ok {
		return true
	}
	_, _, ok := schemaOf(key)
	return ok
}

// typeError says that a topic's form is not that of a value's schema.
func typeError(ref registry.Ref, form, registered string) error {
	return fmt.Errorf("has schema %s, which the registry has as %q; content: %s wants %q", ref, registered, form,
		types[form])
}
