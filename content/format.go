package content

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The forms of values. JSON is read as it is.
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

// unframe takes the number of the schema from a value.
func unframe(value []byte) (id uint32, rest []byte, err error) {
	switch {
	case len(value) > maxValue:
		return 0, nil, errLong
	case len(value) > 0 && (value[0] == '{' || value[0] == '['):
		return 0, nil, errPlain
	case len(value) < 5 || value[0] != 0:
		return 0, nil, errUnframed
	}
	return binary.BigEndian.Uint32(value[1:]), value[5:], nil
}

// typeError says that a topic's form is not that of a value's schema.
func typeError(id uint32, form, registered string) error {
	return fmt.Errorf("has schema %d, which the registry has as %q; content: %s wants %q", id, registered, form,
		types[form])
}
