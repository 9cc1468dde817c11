package wire

import (
	"encoding/binary"

	"github.com/ciobridge/ciobridge/event"
)

// Record is one record, pointing into its batch.
type Record struct {
	Offset      int64
	Time        int64 // milliseconds of unix time; negative for none
	Key         []byte
	Value       []byte
	headers     []byte // encoded
	HeaderCount int
}

// RecordReader steps through the records of a batch, decompressed if need be.
type RecordReader struct {
	header *BatchHeader
	b      []byte
	left   int32
	last   int64 // the delta of the record before
}

// NewRecordReader begins with the first of the records that stand behind a header, decompressed if need be.
func NewRecordReader(h *BatchHeader, records []byte) RecordReader {
	return RecordReader{header: h, b: records, left: h.count, last: -1}
}

// Next reads one record into r and reports false after the last one.
func (rr *RecordReader) Next(r *Record) (bool, error) {
	if rr.left == 0 {
		if len(rr.b) != 0 {
			return false, corrupt("%d bytes stand after the last record of the batch", len(rr.b))
		}
		return false, nil
	}
	rr.left--
	length, b, ok := readVarint(rr.b)
	if !ok || length < 0 || length > int64(len(b)) {
		return false, corrupt("a record is longer than its batch")
	}
	body := b[:length]
	rr.b = b[length:]
	if len(body) == 0 {
		return false, corrupt("a record is empty")
	}
	body = body[1:] // attributes, unused by Kafka
	timeDelta, body, ok1 := readVarint(body)
	delta, body, ok2 := readVarint(body)
	if !ok1 || !ok2 || delta <= rr.last || delta > int64(rr.header.lastDelta) {
		return false, corrupt("the offsets of the batch do not ascend within its bounds")
	}
	rr.last = delta
	r.Offset = rr.header.base + delta
	r.Time = rr.header.firstTime + timeDelta
	if rr.header.attributes&attributeAppendTime != 0 {
		r.Time = rr.header.maxTime
	}
	r.Key, body, ok1 = readBytes(body)
	r.Value, body, ok2 = readBytes(body)
	n, body, ok3 := readVarint(body)
	if !ok1 || !ok2 || !ok3 || n < 0 || n > int64(len(body)) {
		return false, corrupt("a record's key, value or headers are longer than the record")
	}
	r.headers, r.HeaderCount = body, int(n)
	if n == 0 && len(body) != 0 {
		return false, corrupt("%d bytes stand after the end of a record", len(body))
	}
	return true, nil
}

// AppendHeaders decodes the headers of a record behind those in dst. Keys are taken from names.
func (r *Record) AppendHeaders(dst []event.Header, names HeaderNames) ([]event.Header, error) {
	b := r.headers
	for range r.HeaderCount {
		var key, value []byte
		var ok1, ok2 bool
		key, b, ok1 = readBytes(b)
		value, b, ok2 = readBytes(b)
		if !ok1 || !ok2 || key == nil {
			return dst, corrupt("a header is longer than its record")
		}
		dst = append(dst, event.Header{Key: names.get(key), Value: value})
	}
	if len(b) != 0 {
		return dst, corrupt("%d bytes stand after the end of a record", len(b))
	}
	return dst, nil
}

// HeaderNames saves making the same string for every record. It is bounded, because names come from producers.
type HeaderNames map[string]string

func (n HeaderNames) get(key []byte) string {
	if s, ok := n[string(key)]; ok {
		return s
	}
	s := string(key)
	if len(n) < 256 && len(s) <= 256 {
		n[s] = s
	}
	return s
}

// readBytes reads a length and so many bytes. A length of -1 is nil, which Kafka tells apart from empty.
func readBytes(b []byte) (value, rest []byte, ok bool) {
	n, b, ok := readVarint(b)
	if !ok || n < -1 || n > int64(len(b)) {
		return nil, nil, false
	}
	if n == -1 {
		return nil, b, true
	}
	return b[:n:n], b[n:], true
}

// readVarint reads a signed varint in zig-zag form.
func readVarint(b []byte) (n int64, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 {
		return int64(b[0]>>1) ^ -int64(b[0]&1), b[1:], true
	}
	u, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, false
	}
	return int64(u>>1) ^ -int64(u&1), b[size:], true
}
