package connect

import (
	"bytes"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Wrapper takes payloads out of their records. The zero Wrapper is ready for use.
type Wrapper struct {
	known []*Schema // the last used first
	size  int       // bytes of their texts
	doc   document.Document
	value []byte // the last decoded value
}

const (
	maxKnown     = 256     // schemas
	maxKnownSize = 1 << 20 // bytes of their texts

	maxKept = 256 << 10 // memory for a value that is kept for the next
)

var (
	places, schemaPlace, payloadPlace = wrapperPlaces()

	beforeSchema  = []byte(`{"schema":`)
	beforePayload = []byte(`,"payload":`)
	end           = []byte(`}`)
)

func wrapperPlaces() (s *document.Places, schema, payload int32) {
	s = document.NewPlaces()
	of := func(name string) int32 {
		p, _ := s.Step(s.Root(), document.Step{Name: name, Key: true})
		return p.ID()
	}
	schema, payload = of("schema"), of("payload")
	s.Seal()
	return s, schema, payload
}

// Known takes the payload out of a record that is written as the converter writes it and has a schema that Learn has
// met. The payload is whatever stands there: where it is one JSON value, the record is that value in its wrapper, and
// where it is not, the record is no valid JSON or of another shape.
func (w *Wrapper) Known(raw []byte) (payload []byte, s *Schema) {
	rest, ok := bytes.CutPrefix(raw, beforeSchema)
	if !ok || len(raw) > document.MaxDocument {
		return nil, nil
	}
	if rest = bytes.TrimRight(rest, " \t\r\n"); !bytes.HasSuffix(rest, end) {
		return nil, nil
	}
	for i, s := range w.known {
		behind, ok := bytes.CutPrefix(rest, s.text)
		if !ok {
			continue
		}
		if behind, ok = bytes.CutPrefix(behind, beforePayload); ok {
			copy(w.known[1:], w.known[:i])
			w.known[0] = s
			return behind[:len(behind)-1], s
		}
	}
	return nil, nil
}

// Learn gives the schema with a text, which must be one valid JSON value, and keeps it for Known. An error quotes
// nothing of the text.
func (w *Wrapper) Learn(text []byte) (*Schema, error) {
	for _, s := range w.known {
		if bytes.Equal(s.text, text) {
			return s, nil
		}
	}
	s, err := parseSchema(text)
	if err != nil || len(text) > maxKnownSize/2 {
		return s, err
	}
	for len(w.known) >= maxKnown || w.size+len(text) > maxKnownSize {
		last := len(w.known) - 1
		w.size -= len(w.known[last].text)
		w.known[last], w.known = nil, w.known[:last]
	}
	w.known = append(w.known, nil)
	copy(w.known[1:], w.known)
	w.known[0] = s
	w.size += len(text)
	return s, nil
}

// IsWrapper reports whether the members of an object called schema and payload are those of a record in its wrapper.
// Either may be a value of Kind Absent.
func IsWrapper(schema, payload document.Value) bool {
	return (schema.Kind == document.Object || schema.Kind == document.Null) && payload.Kind != document.Absent
}

// Open gives the payload of a record as plain JSON. A record without a wrapper is its own payload. The value is valid
// until the next Open, or as long as raw is. An error is an *document.InputError, or says what of the payload does not
// fit its schema, and quotes no value.
func (w *Wrapper) Open(raw []byte) (document.Value, error) {
	if cap(w.value) > maxKept {
		w.value = nil
	}
	payload, schema := w.Known(raw)
	if schema != nil && w.doc.Parse(places, payload) == nil {
		return w.decode(schema, w.doc.Root())
	}
	if err := w.doc.Parse(places, raw); err != nil {
		return document.Value{}, err
	}
	text, _ := w.doc.At(schemaPlace)
	inside, _ := w.doc.At(payloadPlace)
	if !IsWrapper(text, inside) {
		return w.doc.Root(), nil
	}
	schema, err := w.Learn(text.Raw)
	if err != nil {
		return document.Value{}, err
	}
	return w.decode(schema, inside)
}

func (w *Wrapper) decode(s *Schema, payload document.Value) (document.Value, error) {
	if s.Type.Plain() {
		return payload, nil
	}
	var err error
	if w.value, err = s.Type.Append(w.value[:0], payload, nil); err != nil {
		return document.Value{}, err
	}
	return document.ValueAt(w.value, 0, len(w.value)), nil
}
