package projection

import (
	"encoding/json"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Decode makes of validated text what gojq works on. Numbers stay text, so that they keep their digits.
func Decode(raw []byte) any { return decodeProjected(Whole, raw) }

// decodeProjected decodes what is read of a value.
func decodeProjected(r *Projection, raw []byte) any {
	v, _ := decodeAt(r, raw, string(raw), 0)
	return v
}

// decodeAt decodes what is read of the value at i and gives the place after it. Src is raw as a string, which decoded
// strings share.
func decodeAt(r *Projection, raw []byte, src string, i int) (any, int) {
	kind := document.KindOf(raw[i])
	if !r.isPartial(kind) {
		r = Whole
	}
	switch kind {
	case document.Object:
		return decodeObject(r, raw, src, i)
	case document.Array:
		list := []any{}
		for i = document.SkipSpace(raw, i+1); raw[i] != ']'; i = document.SkipComma(raw, i) {
			var v any
			v, i = decodeAt(r.elem(), raw, src, i)
			list = append(list, v)
		}
		return list, i + 1
	}
	end := document.SkipValue(raw, i)
	switch kind {
	case document.Null:
		return nil, end
	case document.False, document.True:
		return kind == document.True, end
	case document.String:
		return decodeText(raw, src, i+1, end-1), end
	}
	return json.Number(src[i:end]), end
}

func decodeObject(r *Projection, raw []byte, src string, i int) (any, int) {
	m := map[string]any{}
	for i = document.SkipSpace(raw, i+1); raw[i] != '}'; i = document.SkipComma(raw, i) {
		end := document.SkipString(raw, i)
		key := decodeText(raw, src, i+1, end-1)
		i = document.SkipSpace(raw, document.SkipSpace(raw, end)+1)
		if of := r.member(key); of != nil {
			m[key], i = decodeAt(of, raw, src, i)
		} else {
			i = document.SkipValue(raw, i)
		}
	}
	return m, i + 1
}

func decodeText(raw []byte, src string, start, end int) string {
	for i := start; i < end; i++ {
		if raw[i] == '\\' {
			return string(document.AppendUnquoted(nil, raw[start:end]))
		}
	}
	return src[start:end]
}

// Of decodes what is read of a document; it gives nil where that is nothing.
func (r *Projection) Of(d *document.Document) any {
	if r.isEmpty() {
		return nil
	}
	return r.decodePlaces(d, d.Root())
}

// decodePlaces decodes what is read of the value v at a place that the pass over the document knows.
func (r *Projection) decodePlaces(d *document.Document, v document.Value) any {
	if v.Kind != document.Object || len(r.keys) == 0 || !r.isPartial(document.Object) {
		return decodeProjected(r, v.Raw)
	}
	m := make(map[string]any, len(r.keys))
	for _, k := range r.keys {
		if at, ok := d.At(k.place); ok {
			m[k.name] = k.decodePlaces(d, at)
		}
	}
	return m
}
