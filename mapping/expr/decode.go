package expr

import "encoding/json"

// decode makes of validated text what gojq works on. Numbers stay text, so that they keep their digits.
func decode(raw []byte) any {
	v, _ := decodeAt(raw, string(raw), 0)
	return v
}

// decodeAt decodes the value at i and gives the place after it. Src is raw as a string, which decoded strings share.
func decodeAt(raw []byte, src string, i int) (any, int) {
	switch raw[i] {
	case '"':
		end := skipString(raw, i)
		return decodeText(raw, src, i+1, end-1), end
	case '{':
		m := map[string]any{}
		for i = skipSpace(raw, i+1); raw[i] != '}'; i = skipComma(raw, i) {
			end := skipString(raw, i)
			key := decodeText(raw, src, i+1, end-1)
			i = skipSpace(raw, skipSpace(raw, end)+1)
			m[key], i = decodeAt(raw, src, i)
		}
		return m, i + 1
	case '[':
		list := []any{}
		for i = skipSpace(raw, i+1); raw[i] != ']'; i = skipComma(raw, i) {
			var v any
			v, i = decodeAt(raw, src, i)
			list = append(list, v)
		}
		return list, i + 1
	}
	end := skipValue(raw, i)
	switch raw[i] {
	case 'n':
		return nil, end
	case 't', 'f':
		return raw[i] == 't', end
	}
	return json.Number(src[i:end]), end
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
func (d *Document) input(r *reading) any {
	if r.nothing() {
		return nil
	}
	for i := range d.inputs {
		if d.inputs[i].of == r {
			return d.inputs[i].value
		}
	}
	v := d.read(r, d.root)
	d.inputs = append(d.inputs, input{r, v})
	return v
}

// read decodes what is read of the value v at a place that the pass over the document knows.
func (d *Document) read(r *reading, v Value) any {
	if v.Kind != Object || len(r.keys) == 0 || !r.only(Object) {
		return decodeRead(r, v.Raw)
	}
	m := make(map[string]any, len(r.keys))
	for _, k := range r.keys {
		if sp := &d.spans[k.node]; sp.gen == d.gen {
			m[k.name] = d.read(k.reading, Value{sp.kind, d.raw[sp.start:sp.end]})
		}
	}
	return m
}

// decodeRead decodes what is read of a value.
func decodeRead(r *reading, raw []byte) any {
	switch kind := kindOf[raw[0]]; {
	case !r.only(kind):
		return decode(raw)
	case kind == Array:
		list := []any{}
		for i := skipSpace(raw, 1); raw[i] != ']'; {
			end := skipValue(raw, i)
			list = append(list, decodeRead(r.elems, raw[i:end]))
			i = skipComma(raw, end)
		}
		return list
	}
	m := map[string]any{}
	for i := skipSpace(raw, 1); raw[i] != '}'; {
		var name []byte
		var v Value
		name, v, i = member(raw, i)
		if r.elems != nil {
			m[string(appendUnquoted(nil, name))] = decodeRead(r.elems, v.Raw)
			continue
		}
		for _, k := range r.keys {
			if sameKey(name, k.name) {
				m[k.name] = decodeRead(k.reading, v.Raw)
			}
		}
	}
	return m
}
