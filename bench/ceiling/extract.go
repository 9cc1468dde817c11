package ceiling

import (
	"unsafe"

	"github.com/tidwall/gjson"
)

// readerFor gives the reader of the ceiling or of the bare program.
func readerFor(bare bool) reader {
	if bare {
		return scan
	}
	return extract
}

// extract checks that b is JSON and takes the members that a call needs out of it, both with gjson, the fastest
// library for that which copies nothing.
func extract(b []byte) (fields, error) {
	if !gjson.ValidBytes(b) {
		return fields{}, errNotJSON
	}
	var f fields
	gjson.Parse(unsafe.String(unsafe.SliceData(b), len(b))).ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "type":
			f.kind = raw(value)
		case "data":
			f.data = raw(value)
			f.person = raw(value.Get("customer_id"))
		}
		return true
	})
	if f.kind == nil || f.person == nil || f.data == nil {
		return fields{}, errNotJSON
	}
	return f, nil
}

// raw gives the bytes of a value as they stand in the event. They are the event's own, which outlives what is made of
// it.
func raw(value gjson.Result) []byte {
	if value.Raw == "" {
		return nil
	}
	return unsafe.Slice(unsafe.StringData(value.Raw), len(value.Raw))
}
