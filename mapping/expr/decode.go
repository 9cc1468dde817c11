package expr

import "encoding/json"

// decode makes of validated text what gojq works on. Numbers stay text, so that they keep their digits.
func decode(raw []byte) any { return decodeProjected(wholeDocument, raw) }

// decodeProjected decodes what is read of a value.
func decodeProjected(r *projection, raw []byte) any {
	v, _ := decodeAt(r, raw, string(raw), 0)
	return v
}

// decodeAt decodes what is read of the value at i and gives the place after it. Src is raw as a string, which decoded strings share.
func decodeAt(r *projection, raw []byte, src string, i int) (any, int) {
	kind := kindOf[raw[i]]
	if !r.isPartial(kind) {
		r = wholeDocument
	}
	switch kind {
	case Object:
		return decodeObject(r, raw, src, i)
	case Array:
		list := []any{}
		for i = skipSpace(raw, i+1); raw[i] != ']'; i = skipComma(raw, i) {
			var v any
			v, i = decodeAt(r.elem(), raw, src, i)
			list = append(list, v)
		}
		return list, i + 1
	}
	end := skipValue(raw, i)
	switch kind {
	case Null:
		return nil, end
	case False, True:
		return kind == True, end
	case String:
		return decodeText(raw, src, i+1, end-1), end
	}
	return json.Number(src[i:end]), end
}

func decodeObject(r *projection, raw []byte, src string, i int) (any, int) {
	m := map[string]any{}
	for i = skipSpace(raw, i+1); raw[i] != '}'; i = skipComma(raw, i) {
		end := skipString(raw, i)
		key := decodeText(raw, src, i+1, end-1)
		i = skipSpace(raw, skipSpace(raw, end)+1)
		if of := r.member(key); of != nil {
			m[key], i = decodeAt(of, raw, src, i)
		} else {
			i = skipValue(raw, i)
		}
	}
	return m, i + 1
}

func decodeText(raw []byte, src string, start, end int) string {
	for i := start; i < end; i++ {
		if raw[i] == '\\' {
			return string(appendUnquoted(nil, raw[start:end]))
		}
	}
	return src[start:end]
}

// input gives what a program reads of the document, with no more than that about it.
func (d *Document) input(r *projection) any {
	if r.isEmpty() {
		return nil
	}
	for i := range d.inputs {
		if d.inputs[i].of == r {
			return d.inputs[i].value
		}
	}
	v := d.decodePlaces(r, d.root)
	d.inputs = append(d.inputs, input{r, v})
	return v
}

// decodePlaces decodes what is read of the value v at a place that the pass over the document knows.
func (d *Document) decodePlaces(r *projection, v Value) any {
	if v.Kind != Object || len(r.keys) == 0 || !r.isPartial(Object) {
		return decodeProjected(r, v.Raw)
	}
	m := make(map[string]any, len(r.keys))
	for _, k := range r.keys {
		if sp := &d.spans[k.node]; sp.gen == d.gen {
			m[k.name] = d.decodePlaces(k.projection, Value{sp.kind, d.raw[sp.start:sp.end]})
		}
	}
	return m
}
