package debezium

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// The times that are taken, in unix milliseconds: from 1970-01-02 to 2200. Some connectors write 0 for none.
const (
	earliest = 24 * 60 * 60 * 1000
	latest   = 7_289_654_400_000
)

// time is the first time that is there.
func (r *Reader) time(of []clock) int64 {
	for _, c := range of {
		v := r.value(c.place)
		if v.Kind == document.String { // as the transformation may write it
			v = document.ValueAt(v.Raw, 1, len(v.Raw)-1)
		}
		if n, ok := v.Int64(); ok && n/c.perMs >= earliest && n/c.perMs < latest {
			return n / c.perMs
		}
	}
	return 0
}

// tableName is the name of the table: as the source or the members that a transformation added tell it, else as the
// schema or the topic is named, which are PREFIX.SCHEMA.TABLE.
func (r *Reader) tableName() []byte {
	for _, place := range tables {
		if v := r.value(place); v.Kind == document.String && len(v.Raw) > len(`""`) {
			r.name = v.AppendString(r.name[:0])
			return r.name
		}
	}
	for _, name := range []string{"__table", "__collection"} {
		if text := r.header(name); len(text) > 0 {
			return text
		}
	}
	name := r.record.Origin.Topic
	if r.record.Origin.Subject != "" {
		name = r.record.Origin.Subject
	}
	if r.schema != nil {
		for _, ending := range []string{".Value", ".Envelope"} {
			if long, ok := strings.CutSuffix(r.schema.Name, ending); ok {
				name = long
			}
		}
	}
	return []byte(strings.ToValidUTF8(name[strings.LastIndexByte(name, '.')+1:], "\uFFFD"))
}

// header is the text of a header, which may be written as JSON.
func (r *Reader) header(name string) []byte {
	for i := range r.record.Headers {
		if h := &r.record.Headers[i]; h.Key == name && utf8.Valid(h.Value) {
			return bytes.Trim(h.Value, `"`)
		}
	}
	return nil
}
