package debezium

import (
	"bytes"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// AppendChange appends what the last record tells beside the row, as an object: op, table, before, after and source;
// of an event with its envelope also whatever else that has, such as transaction, ts_ms and the updateDescription of
// MongoDB; of a row alone what the transformation has added to it, without the underscores; and key, the record's
// key, which is mostly an object of columns. Op is missing where the record does not tell it. A row that does not fit
// its schema is null.
func (r *Reader) AppendChange(dst []byte) []byte {
	dst = jsontext.AppendString(append(dst, `{"table":`...), r.table)
	if r.full {
		dst = r.appendEvent(dst)
	} else {
		dst = r.appendAdded(dst)
	}
	return append(r.appendKey(append(dst, `,"key":`...)), '}')
}

// appendEvent appends the members of an event, its rows as plain JSON.
func (r *Reader) appendEvent(dst []byte) []byte {
	raw := r.doc.Root().Raw
	for i := document.SkipSpace(raw, 1); raw[i] != '}'; {
		var key []byte
		var v document.Value
		key, v, i = document.ReadMember(raw, i)
		if string(key) == "table" || string(key) == "key" || bytes.IndexByte(key, '\\') >= 0 {
			continue // no member of Debezium's
		}
		dst = append(append(append(dst, `,"`...), key...), '"', ':')
		switch string(key) {
		case "before":
			dst = r.appendRowOrNull(dst, before, v)
		case "after":
			dst = r.appendRowOrNull(dst, after, v)
		default:
			dst = append(dst, v.Raw...)
		}
	}
	return dst
}

func (r *Reader) appendRowOrNull(dst []byte, p *document.Place, v document.Value) []byte {
	if v.Kind == document.Object || v.Kind == document.String {
		if out, err := r.appendRow(dst, p, v); err == nil {
			return out
		}
	}
	return append(dst, document.NullValue.Raw...)
}

// appendAdded appends what a transformation added to a row: the operation, and the rest as the members of source.
func (r *Reader) appendAdded(dst []byte) []byte {
	if r.op != 0 {
		dst = jsontext.AppendString(append(dst, `,"op":`...), []byte{r.op})
	}
	dst = append(dst, `,"before":null,"source":{`...)
	var names [][]byte
	raw := r.doc.Root().Raw
	for i := document.SkipSpace(raw, 1); raw[i] != '}'; {
		var key []byte
		var v document.Value
		key, v, i = document.ReadMember(raw, i)
		name, ok := bytes.CutPrefix(key, added)
		if !ok || string(name) == "op" || string(name) == "deleted" {
			continue
		}
		name = bytes.TrimPrefix(name, []byte("source_"))
		if bytes.IndexByte(name, '\\') >= 0 || len(names) >= maxAdded || has(names, name) {
			continue
		}
		if len(names) > 0 {
			dst = append(dst, ',')
		}
		names = append(names, name)
		dst = append(append(append(append(dst, '"'), name...), '"', ':'), v.Raw...)
	}
	return append(dst, '}')
}

// maxAdded is how many members a transformation may have added; those after it are left out.
const maxAdded = 100

func has(names [][]byte, name []byte) bool {
	for _, other := range names {
		if bytes.Equal(other, name) {
			return true
		}
	}
	return false
}

// appendKey appends the record's key, which may have a wrapper of its own; null for one that is no JSON. The key of
// MongoDB names the id of its document as text of extended JSON.
func (r *Reader) appendKey(dst []byte) []byte {
	v, err := r.keys.Open(r.record.KeyText())
	if err != nil {
		return append(dst, document.NullValue.Raw...)
	}
	if v.Kind != document.Object || !r.isMongoDB() {
		return append(dst, v.Raw...)
	}
	id := document.MemberOf(v.Raw, "id")
	dst = append(dst, `{"_id":`...)
	if id.Kind == document.String {
		if out, ok := r.appendDocument(dst, id); ok {
			return append(out, '}')
		}
	}
	return append(append(dst, id.Raw...), '}')
}

// keyRow gives the columns of the record's key as a row, null where it is no object.
func (r *Reader) keyRow() []byte {
	r.row = r.appendKey(r.row[:0])
	if r.row[0] != '{' {
		return document.NullValue.Raw
	}
	return r.row
}
