package connect

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Texts are values as JSON writes them.
type Texts [][]byte

// Has reports whether a value is written as one of the texts.
func (t Texts) Has(raw []byte) bool {
	for _, text := range t {
		if bytes.Equal(text, raw) {
			return true
		}
	}
	return false
}

// ValueError says which field of a payload is not what its schema says. It names the field, and quotes no value.
type ValueError struct {
	Field   string // with the fields that it is in, such as address.since
	Problem string // in words that follow the field
}

// Error names the field and the problem.
func (e *ValueError) Error() string {
	if e.Field == "" {
		return "the payload " + e.Problem
	}
	return fmt.Sprintf("the column %s %s", e.Field, e.Problem)
}

// Append appends a value of the type as plain JSON. The value must have been validated. Of an object those members are
// left out whose values are among the texts; a nil Type decodes nothing. What is null, or is written in another form
// than the type's, such as a decimal as a number, stays as it is. An error is a *ValueError, or a *document.InputError
// for what becomes too long.
func (t *Type) Append(dst []byte, v document.Value, omit Texts) ([]byte, error) {
	if t == nil {
		t = &noType
	}
	if v.Kind == document.Object && t.form == asItIs {
		return t.appendObject(dst, v.Raw, omit)
	}
	return t.append(dst, v)
}

var noType = Type{plain: true}

// maxAppended is after how many bytes nothing more is decoded: a decimal of 4 bytes may have a thousand digits, and
// what is longer than a document is refused in any case. It has room for the rows before and after a change.
const maxAppended = 4 * document.MaxDocument

func (t *Type) append(dst []byte, v document.Value) ([]byte, error) {
	switch {
	case t.plain:
		return append(dst, v.Raw...), nil
	case len(dst) > maxAppended:
		return dst, &document.InputError{Kind: document.TooLong, Offset: document.MaxDocument}
	case t.form != asItIs:
		return t.appendLeaf(dst, v)
	case v.Kind == document.Object:
		return t.appendObject(dst, v.Raw, nil)
	case v.Kind == document.Array && t.items != nil:
		return t.appendArray(dst, v.Raw)
	}
	return append(dst, v.Raw...), nil
}

func (t *Type) appendObject(dst, raw []byte, omit Texts) ([]byte, error) {
	dst = append(dst, '{')
	first, expected := true, 0
	for i := document.SkipSpace(raw, 1); raw[i] != '}'; {
		var key []byte
		var v document.Value
		key, v, i = document.ReadMember(raw, i)
		f := t.member(key, &expected)
		if omit.Has(v.Raw) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), key...), '"', ':')
		var err error
		if dst, err = f.of.append(dst, v); err != nil {
			return dst, within(f.name, err)
		}
	}
	return append(dst, '}'), nil
}

// member finds the field of a key as it is written. Payloads have their fields in the order of the schema, so that
// the one behind the last is tried first.
func (t *Type) member(key []byte, expected *int) field {
	if i := *expected; i < len(t.fields) && t.fields[i].name == string(key) {
		*expected++
		return t.fields[i]
	}
	if t.plain {
		return field{of: &noType}
	}
	if bytes.IndexByte(key, '\\') >= 0 {
		key = document.AppendUnquoted(nil, key)
	}
	if i, ok := t.byName[string(key)]; ok {
		*expected = i + 1
		return t.fields[i]
	}
	if t.values != nil {
		return field{of: t.values}
	}
	return field{of: &noType}
}

// appendArray writes an array.
func (t *Type) appendArray(dst, raw []byte) ([]byte, error) {
	dst = append(dst, '[')
	for i := document.SkipSpace(raw, 1); raw[i] != ']'; {
		end := document.SkipValue(raw, i)
		if len(dst) > 0 && dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = t.items.append(dst, document.ValueAt(raw, i, end)); err != nil {
			return dst, err
		}
		i = document.SkipComma(raw, end)
	}
	return append(dst, ']'), nil
}

// within puts the name of the outer field before that of the inner.
func within(name string, err error) error {
	var e *ValueError
	switch {
	case name == "" || !errors.As(err, &e):
	case e.Field == "":
		e.Field = name
	default:
		e.Field = name + "." + e.Field
	}
	return err
}
