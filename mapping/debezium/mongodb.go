package debezium

import (
	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// isMongoDB reports whether the last record is of a collection.
func (r *Reader) isMongoDB() bool { return r.full && r.value(collection).Kind != document.Absent }

// appendDocument appends a document of MongoDB, which the value holds as a text of extended JSON, as plain JSON. It
// reports false where the text is no JSON.
func (r *Reader) appendDocument(dst []byte, v document.Value) ([]byte, bool) {
	r.text = v.AppendString(r.text[:0])
	if r.inner.Parse(nothing, r.text) != nil {
		return dst, false
	}
	return r.appendExtended(dst, r.inner.Root()), true
}

// appendExtended appends extended JSON as plain JSON: numbers, ids and times, which it writes as objects of one member
// such as {"$oid": …}, become what they are.
func (r *Reader) appendExtended(dst []byte, v document.Value) []byte {
	switch v.Kind {
	case document.Object:
		if out, ok := r.appendScalar(dst, v.Raw); ok {
			return out
		}
		dst = append(dst, '{')
		for i, first := document.SkipSpace(v.Raw, 1), true; v.Raw[i] != '}'; first = false {
			var key []byte
			var inner document.Value
			key, inner, i = document.ReadMember(v.Raw, i)
			if !first {
				dst = append(dst, ',')
			}
			dst = r.appendExtended(append(append(append(dst, '"'), key...), '"', ':'), inner)
		}
		return append(dst, '}')
	case document.Array:
		dst = append(dst, '[')
		for i, first := document.SkipSpace(v.Raw, 1), true; v.Raw[i] != ']'; first = false {
			end := document.SkipValue(v.Raw, i)
			if !first {
				dst = append(dst, ',')
			}
			dst = r.appendExtended(dst, document.ValueAt(v.Raw, i, end))
			i = document.SkipComma(v.Raw, end)
		}
		return append(dst, ']')
	}
	return append(dst, v.Raw...)
}

// appendScalar appends what an object of one member stands for, and reports false where that is the object itself.
func (r *Reader) appendScalar(dst, raw []byte) ([]byte, bool) {
	i := document.SkipSpace(raw, 1)
	if raw[i] != '"' || raw[i+1] != '$' {
		return dst, false
	}
	key, v, next := document.ReadMember(raw, i)
	if raw[next] != '}' {
		return dst, false
	}
	switch string(key) {
	case "$oid", "$uuid":
		if v.Kind == document.String {
			return append(dst, v.Raw...), true
		}
	case "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal":
		if v.Kind == document.String {
			return r.appendNumber(dst, v), true
		}
	case "$date":
		return appendDate(dst, v)
	}
	return dst, false
}

// appendNumber appends the number that a text holds, or the text, such as NaN, where that is none of JSON.
func (r *Reader) appendNumber(dst []byte, v document.Value) []byte {
	text := v.Raw[1 : len(v.Raw)-1]
	if r.number.Parse(nothing, text) == nil && r.number.Root().Kind == document.Number &&
		len(r.number.Root().Raw) == len(text) {
		return append(dst, text...)
	}
	return append(dst, v.Raw...)
}

// appendDate appends a time, which is a text, or milliseconds as a number or as {"$numberLong": …}.
func appendDate(dst []byte, v document.Value) ([]byte, bool) {
	switch v.Kind {
	case document.String:
		return append(dst, v.Raw...), true
	case document.Object:
		v = document.MemberOf(v.Raw, "$numberLong")
		if v.Kind != document.String || len(v.Raw) == len(`""`) {
			return dst, false
		}
		v = document.ValueAt(v.Raw, 1, len(v.Raw)-1)
	}
	ms, ok := v.Int64()
	if !ok {
		return dst, false
	}
	out, ok := connect.AppendMillis(append(dst, '"'), ms)
	if !ok {
		return dst, false
	}
	return append(out, '"'), true
}
