package debezium

import (
	"bytes"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// added begins the names of what a transformation adds to a row.
var added = []byte("__")

// readRow reads a row that ExtractNewRecordState took out of its event.
func (r *Reader) readRow() (Change, error) {
	c := Change{Time: r.time(flatTimes)}
	if c.Time == 0 {
		c.Time = r.headerTime()
	}
	r.table = r.tableName()
	r.op = r.flatOperation()
	switch r.op {
	case 'd':
		c.Type = r.typed(".delete")
	case 'r':
		c.Type = r.typed(".snapshot")
	case 0, 'c', 'u':
		c.Type = r.typed(".upsert")
	case 't':
		c.Type, c.Row = r.typed(".truncate"), document.NullValue.Raw
		return c, nil
	default:
		return c, &FormError{Type: true, Detail: "__op is no operation of Debezium; want c, u, d or r"}
	}
	var err error
	c.Row, err = r.flatRow()
	return c, err
}

// Tombstone tells the deletion of which a record without a value is all that is left, where a transformation dropped
// the event before it: the row is the columns of the key. What it returns is valid until the next record is read.
func (r *Reader) Tombstone(m *event.Message) Change {
	r.record, r.schema, r.full, r.op = m, nil, false, 'd'
	_ = r.doc.Parse(places, []byte("{}")) // has no member that was added
	r.table = r.tableName()
	c := Change{Type: r.typed(".delete"), Time: r.headerTime()}
	c.Row = r.keyRow()
	return c
}

// flatOperation is the operation that a member or a header tells; 0 where none does.
func (r *Reader) flatOperation() byte {
	if v := r.at(flatDeleted); string(v.Raw) == `"true"` || v.Kind == document.True {
		return 'd'
	}
	code := bytes.Trim(r.at(flatOp).Raw, `"`)
	if len(code) == 0 || string(code) == "null" {
		code = r.header("__op")
	}
	switch len(code) {
	case 0:
		return 0
	case 1:
		return code[0]
	}
	return '?'
}

// headerTime is the time of the change as a header tells it.
func (r *Reader) headerTime() int64 {
	for _, name := range []string{"__source_ts_ms", "__ts_ms"} {
		if text := r.header(name); len(text) > 0 && text[0] >= '0' && text[0] <= '9' {
			if n, ok := document.ValueAt(text, 0, len(text)).Int64(); ok && n >= earliest && n < latest {
				return n
			}
		}
	}
	return 0
}

// flatRow gives the row without what was added to it.
func (r *Reader) flatRow() ([]byte, error) {
	v := r.doc.Root()
	if !r.flatType().Plain() || r.hidden.within(v.Raw) {
		var err error
		if r.row, err = r.flatType().Append(r.row[:0], v, r.hidden.texts); err != nil {
			return nil, err
		}
		v = document.ValueAt(r.row, 0, len(r.row))
	}
	if !bytes.Contains(v.Raw, added) {
		return v.Raw, nil
	}
	r.flat = appendMembers(r.flat[:0], v.Raw, func(key []byte) bool { return !bytes.HasPrefix(key, added) })
	return r.flat, nil
}

func (r *Reader) flatType() *connect.Type {
	if r.schema == nil {
		return nil
	}
	return r.schema.Type
}

// appendMembers appends an object with those of its members whose keys, as they are written, are wanted.
func appendMembers(dst, raw []byte, wanted func(key []byte) bool) []byte {
	dst = append(dst, '{')
	first := true
	for i := document.SkipSpace(raw, 1); raw[i] != '}'; {
		var key []byte
		var v document.Value
		key, v, i = document.ReadMember(raw, i)
		if !wanted(key) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(append(dst, '"'), key...), '"', ':'), v.Raw...)
	}
	return append(dst, '}')
}
