package debezium

import (
	"errors"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Change is what a record tells: a change of a row, or what else Debezium writes beside changes.
type Change struct {
	Type []byte // such as customers.upsert
	Time int64  // of the change in the database, in unix milliseconds; 0 where the record has none
	Row  []byte // as JSON; null for a truncated table
}

// ErrTombstone says that the record is a tombstone within a wrapper: its payload is null.
var ErrTombstone = errors.New("the payload is null (a tombstone)")

// Mark is the error of a record by which Debezium tells something of itself, and nothing of data.
type Mark struct{ What string }

// Error says what the record is.
func (m *Mark) Error() string { return m.What + " of Debezium" }

// FormError says why a record is no change event. It names members and columns, and quotes no value.
type FormError struct {
	Type   bool // the kind of change is not known
	Detail string
}

// Error says what is wrong.
func (e *FormError) Error() string { return e.Detail }

// Reader reads records. The zero Reader is ready for use; it is for one goroutine at a time.
type Reader struct {
	values connect.Wrapper
	keys   connect.Wrapper

	doc    document.Document // the record's value, without its wrapper
	inner  document.Document // a text of JSON within it
	number document.Document // a number as a text of that

	// of the last record
	record *event.Message
	hidden *Placeholder
	schema *connect.Schema
	full   bool // the event has its envelope, and is not the row alone
	op     byte // 0 where the record does not tell
	table  []byte

	name, typ, row, flat, text []byte
}

// maxKept is how much memory for rows a Reader keeps for the next record.
const maxKept = 256 << 10

// Read reads the value of a record; the record itself gives the key, the headers and the topic. Columns whose value is
// the placeholder are left out of rows. What it returns is valid until the next Read, or as long as the value is. An
// error is ErrTombstone, a *Mark, a *FormError, a *connect.ValueError or a *document.InputError.
func (r *Reader) Read(m *event.Message, value []byte, unavailable *Placeholder) (Change, error) {
	r.record, r.hidden = m, unavailable
	if cap(r.row)+cap(r.flat)+cap(r.text) > maxKept {
		r.row, r.flat, r.text = nil, nil, nil
	}
	if err := r.open(value); err != nil {
		return Change{}, err
	}
	root := r.doc.Root()
	switch {
	case root.Kind == document.Null:
		return Change{}, ErrTombstone
	case root.Kind != document.Object:
		return Change{}, &FormError{Detail: document.Article(root.Kind) + "; want a change event or a row"}
	}
	if what := r.mark(); what != "" {
		return Change{}, &Mark{what}
	}
	r.full = r.isFull()
	if !r.full {
		return r.readRow()
	}
	return r.readEvent()
}

// open parses the value without its wrapper.
func (r *Reader) open(value []byte) error {
	inside, s := r.values.Known(value)
	if r.schema = s; s != nil && r.doc.Parse(places, inside) == nil {
		return nil
	}
	r.schema = nil
	if err := r.doc.Parse(places, value); err != nil {
		return err
	}
	text, content := r.at(schema), r.at(payload)
	if !connect.IsWrapper(text, content) {
		return nil
	}
	var err error
	if r.schema, err = r.values.Learn(text.Raw); err != nil {
		return &FormError{Detail: err.Error()}
	}
	return r.doc.Parse(places, content.Raw)
}

func (r *Reader) at(p *document.Place) document.Value { return r.value(p.ID()) }

func (r *Reader) value(place int32) document.Value {
	v, _ := r.doc.At(place)
	return v
}

// mark says what else than data a record tells, or "".
func (r *Reader) mark() string {
	switch {
	case r.has(op):
		return ""
	case r.has(status) && r.has(eventCount) && r.has(collections):
		return "the mark of a transaction's begin or end"
	case r.isHeartbeat():
		return "a heartbeat"
	}
	return ""
}

func (r *Reader) has(p *document.Place) bool { return r.at(p).Kind != document.Absent }

// isHeartbeat reports whether a record has nothing but the time at which it was made.
func (r *Reader) isHeartbeat() bool {
	found := 0
	for _, at := range times[3:] {
		if r.value(at.place).Kind == document.Number {
			found++
		}
	}
	return found > 0 && found == document.CountMembers(r.doc.Root().Raw)
}
