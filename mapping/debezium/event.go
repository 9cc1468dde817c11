package debezium

import (
	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// isFull reports whether the record is an event with its envelope. A row may have a column called op or source.
func (r *Reader) isFull() bool {
	if r.at(source).Kind == document.Object && (r.has(op) || r.has(ddl) && r.has(changes)) {
		return true
	}
	return len(r.at(op).Raw) == len(`"c"`) && (r.mayBeRow(before) || r.mayBeRow(after))
}

func (r *Reader) mayBeRow(p *document.Place) bool {
	kind := r.at(p).Kind
	return kind == document.Object || kind == document.Null || kind == document.String
}

// readEvent reads an event with its envelope.
func (r *Reader) readEvent() (Change, error) {
	c := Change{Time: r.time(times)}
	r.table = r.tableName()
	code := r.at(op)
	if code.Kind != document.String && r.has(ddl) {
		c.Type, c.Row = []byte("debezium.schema_change"), r.doc.Root().Raw
		return c, nil
	}
	r.op = 0
	if len(code.Raw) == len(`"c"`) {
		r.op = code.Raw[1]
	}
	var err error
	switch r.op {
	case 'c', 'u':
		c.Type = r.typed(".upsert")
		c.Row, err = r.rowOf(after)
	case 'r':
		c.Type = r.typed(".snapshot")
		c.Row, err = r.rowOf(after)
	case 'd':
		c.Type = r.typed(".delete")
		c.Row, err = r.rowOf(before)
	case 't':
		c.Type, c.Row = r.typed(".truncate"), document.NullValue.Raw
	case 'm':
		c.Type, c.Row = []byte("debezium.message"), document.NullValue.Raw
		if v := r.at(message); v.Kind == document.Object {
			c.Row = v.Raw
		}
	default:
		err = &FormError{Type: true, Detail: "op is no operation of Debezium; want c, u, d, r, t or m"}
	}
	return c, err
}

func (r *Reader) typed(ending string) []byte {
	r.typ = append(append(r.typ[:0], r.table...), ending...)
	return r.typ
}

// rowOf gives the row that stands at a place, or else that of the key.
func (r *Reader) rowOf(p *document.Place) ([]byte, error) {
	v := r.at(p)
	switch v.Kind {
	case document.Absent, document.Null:
		return r.keyRow(), nil
	case document.String, document.Object:
		if v.Kind == document.Object && r.isPlain(p, v) {
			return v.Raw, nil
		}
		var err error
		r.row, err = r.appendRow(r.row[:0], p, v)
		return r.row, err
	}
	return nil, &FormError{Detail: p.Step().Name + " is " + document.Article(v.Kind) + "; want a row as an object"}
}

func (r *Reader) typeOf(p *document.Place) *connect.Type {
	if r.schema == nil {
		return nil
	}
	return r.schema.Type.Field(p.Step().Name)
}

// isPlain reports whether a row can stay as it is.
func (r *Reader) isPlain(p *document.Place, v document.Value) bool {
	return r.typeOf(p).Plain() && !r.hidden.within(v.Raw)
}

// appendRow appends a row as plain JSON.
func (r *Reader) appendRow(dst []byte, p *document.Place, v document.Value) ([]byte, error) {
	if v.Kind == document.Object {
		return r.typeOf(p).Append(dst, v, r.hidden.texts)
	}
	dst, ok := r.appendDocument(dst, v)
	if !ok {
		return dst, &FormError{Detail: p.Step().Name + " is a text that is no JSON; want a row as an object"}
	}
	return dst, nil
}
