package protobuf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/logical"
)

const (
	// MaxOutput is how many bytes of JSON a value may become: more than a document may have.
	MaxOutput = 2 << 20
	maxDepth  = 64
)

var (
	errEncoding  = errors.New("is not encoded as its schema says: it ends too early, or is written by another schema")
	errMany      = errors.New("holds more than 20,000 messages")
	errLarge     = errors.New("becomes more than 2 MiB of JSON")
	errWellKnown = errors.New("has a value of a google.protobuf type that is outside of the type's range")
)

// Append writes a value as JSON behind dst: the bytes behind the schema's number, which begin with the place of the
// message in the schema. No error quotes the value.
func (s *Schema) Append(dst, data []byte) ([]byte, error) {
	descriptor, data, err := s.messageOf(data)
	if err != nil {
		return dst, err
	}
	if holdsTooMany(data, descriptor) {
		return dst, errMany
	}
	m := dynamicpb.NewMessage(descriptor)
	if !decoded(data, m) {
		return dst, errEncoding
	}
	w := writer{most: len(dst) + MaxOutput}
	dst = w.message(dst, m)
	if w.err == nil && len(dst) > w.most {
		w.err = errLarge
	}
	return dst, w.err
}

// decoded reads a message, and reports whether it could. The error's own text may quote the value. The library panics
// on some bytes, such as the entry of a map whose key is of another kind (protobuf 1.36.12).
func decoded(data []byte, into proto.Message) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}.Unmarshal(data, into) == nil
}

// writer writes one message. After an error it writes nothing of use.
type writer struct {
	most int // bytes of output
	err  error
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) message(dst []byte, m protoreflect.Message) []byte {
	if len(dst) > w.most {
		w.fail(errLarge)
	}
	if w.err != nil {
		return dst
	}
	var out []byte
	isKnown := false
	switch m.Descriptor().ParentFile().Package() {
	case "google.protobuf":
		out, isKnown = w.wellKnown(dst, m)
	case "google.type", "confluent.type":
		out, isKnown = w.known(dst, m)
	}
	if isKnown {
		return out
	}
	dst = append(dst, '{')
	first := true
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.HasPresence() && !m.Has(f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(jsontext.AppendString(dst, []byte(f.Name())), ':')
		dst = w.field(dst, f, m.Get(f))
	}
	return append(dst, '}')
}

func (w *writer) field(dst []byte, f protoreflect.FieldDescriptor, v protoreflect.Value) []byte {
	switch {
	case f.IsList():
		dst = append(dst, '[')
		for i := range v.List().Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = w.value(dst, f, v.List().Get(i))
		}
		return append(dst, ']')
	case f.IsMap():
		return w.dictionary(dst, f, v.Map())
	}
	return w.value(dst, f, v)
}

// dictionary writes a map in the order of its keys: Protobuf has none, and the same event has to become the same calls.
func (w *writer) dictionary(dst []byte, f protoreflect.FieldDescriptor, m protoreflect.Map) []byte {
	var keys []protoreflect.MapKey
	m.Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, key)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return strings.Compare(a.String(), b.String()) })
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, []byte(key.String())), ':')
		dst = w.value(dst, f.MapValue(), m.Get(key))
	}
	return append(dst, '}')
}

// value writes a single value.
func (w *writer) value(dst []byte, f protoreflect.FieldDescriptor, v protoreflect.Value) []byte {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return w.message(dst, v.Message())
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v.Bool())
	case protoreflect.EnumKind:
		if name := f.Enum().Values().ByNumber(v.Enum()); name != nil {
			return jsontext.AppendString(dst, []byte(name.Name()))
		}
		return strconv.AppendInt(dst, int64(v.Enum()), 10)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Int64Kind,
		protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return strconv.AppendInt(dst, v.Int(), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return strconv.AppendUint(dst, v.Uint(), 10)
	case protoreflect.FloatKind:
		return logical.AppendFloat(dst, v.Float(), 32)
	case protoreflect.DoubleKind:
		return logical.AppendFloat(dst, v.Float(), 64)
	case protoreflect.StringKind:
		return jsontext.AppendString(dst, []byte(v.String()))
	case protoreflect.BytesKind:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes()), '"')
	}
	w.fail(fmt.Errorf("has a field of the unknown kind %s", f.Kind()))
	return dst
}

// wellKnown writes the types that come with Protobuf and have a JSON form of their own.
func (w *writer) wellKnown(dst []byte, m protoreflect.Message) ([]byte, bool) {
	field := func(dst []byte, name protoreflect.Name) []byte {
		f := m.Descriptor().Fields().ByName(name)
		return w.value(dst, f, m.Get(f))
	}
	switch m.Descriptor().Name() {
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue",
		"StringValue", "BytesValue":
		return field(dst, "value"), true
	case "Any":
		dst = field(append(dst, `{"@type":`...), "type_url")
		return append(field(append(dst, `,"value":`...), "value"), '}'), true
	case "Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue":
		text, err := protojson.Marshal(m.Interface())
		if err != nil {
			w.fail(errWellKnown) // its own text may quote the value
		}
		return appendCompact(dst, text), true
	}
	return dst, false
}

// appendCompact appends JSON without the blanks that protojson puts in at random.
func appendCompact(dst, text []byte) []byte {
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return append(dst, text...)
	}
	return append(dst, out.Bytes()...)
}
