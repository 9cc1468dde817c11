package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ciobridge/ciobridge/event"
)

// A record batch as Kafka stores and sends it since 0.11 ("magic 2"): a header of 61 bytes, then the records, compressed or not.
// https://kafka.apache.org/documentation/#recordbatch
const (
	batchHeaderSize = 61
	batchPrefixSize = 12 // base offset and length, which the length does not count
	batchCRCFrom    = 21 // the checksum covers everything after itself
)

const (
	attributeCodec         = 0x07
	attributeAppendTime    = 0x08
	attributeTransactional = 0x10
	attributeControl       = 0x20
)

// errCut says that a record set ends inside a batch. Brokers cut them off at the size that was asked for.
var errTruncated = errors.New("the batch is cut off")

// corruptError is a batch that cannot be trusted.
type corruptError struct {
	what  string
	after int64 // the offset behind the batch, if its header can be believed; 0 when it cannot be read
}

func (e *corruptError) Error() string { return e.what }

func corrupt(format string, args ...any) error {
	return &corruptError{what: fmt.Sprintf(format, args...)}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batchHeader is what stands before the records of a batch.
type batchHeader struct {
	base       int64
	size       int // of the whole batch
	attributes uint16
	lastDelta  int32
	firstTime  int64
	maxTime    int64
	producer   int64
	count      int32
}

func (h *batchHeader) last() int64         { return h.base + int64(h.lastDelta) }
func (h *batchHeader) codec() int          { return int(h.attributes & attributeCodec) }
func (h *batchHeader) control() bool       { return h.attributes&attributeControl != 0 }
func (h *batchHeader) transactional() bool { return h.attributes&attributeTransactional != 0 }

// readBatchHeader reads the header of the batch with which b begins. It gives errCut for a batch that b does not hold whole; the
// header's size is then set if b holds that much. The checksum is checked by verify.
func readBatchHeader(b []byte) (h batchHeader, err error) {
	if len(b) < batchPrefixSize {
		return h, errTruncated
	}
	h.base = int64(binary.BigEndian.Uint64(b))
	length := int32(binary.BigEndian.Uint32(b[8:]))
	if length < batchHeaderSize-batchPrefixSize {
		return h, corrupt("a batch of %d bytes is shorter than its header", length)
	}
	h.size = batchPrefixSize + int(length)
	if len(b) >= 17 && b[16] != 2 {
		return h, corrupt("record format %d is not the one of Kafka 0.11 and later", b[16])
	}
	if len(b) < h.size {
		return h, errTruncated
	}
	h.attributes = binary.BigEndian.Uint16(b[21:])
	h.lastDelta = int32(binary.BigEndian.Uint32(b[23:]))
	h.firstTime = int64(binary.BigEndian.Uint64(b[27:]))
	h.maxTime = int64(binary.BigEndian.Uint64(b[35:]))
	h.producer = int64(binary.BigEndian.Uint64(b[43:]))
	h.count = int32(binary.BigEndian.Uint32(b[57:]))
	if h.base < 0 || h.lastDelta < 0 || h.count < 0 || h.count > h.lastDelta+1 {
		return h, corrupt("a batch of %d records over %d offsets from %d on is impossible", h.count, int64(h.lastDelta)+1, h.base)
	}
	return h, nil
}

// verify compares the checksum of a whole batch.
func verify(batch []byte) error {
	want := binary.BigEndian.Uint32(batch[17:])
	if got := crc32.Checksum(batch[batchCRCFrom:], castagnoli); got != want {
		return corrupt("the checksum of the batch is %08x, its header says %08x", got, want)
	}
	return nil
}

// record is one record, pointing into its batch.
type record struct {
	offset  int64
	time    int64 // milliseconds of unix time; negative for none
	key     []byte
	value   []byte
	headers []byte // encoded
	nHeader int
}

// recordReader steps through the records of a batch, decompressed if need be.
type recordReader struct {
	header *batchHeader
	b      []byte
	left   int32
	last   int64 // the delta of the record before
}

func newRecordReader(h *batchHeader, records []byte) recordReader {
	return recordReader{header: h, b: records, left: h.count, last: -1}
}

// next reads one record into r and reports false after the last one.
func (rr *recordReader) next(r *record) (bool, error) {
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
	r.offset = rr.header.base + delta
	r.time = rr.header.firstTime + timeDelta
	if rr.header.attributes&attributeAppendTime != 0 {
		r.time = rr.header.maxTime
	}
	r.key, body, ok1 = readBytes(body)
	r.value, body, ok2 = readBytes(body)
	n, body, ok3 := readVarint(body)
	if !ok1 || !ok2 || !ok3 || n < 0 || n > int64(len(body)) {
		return false, corrupt("a record's key, value or headers are longer than the record")
	}
	r.headers, r.nHeader = body, int(n)
	if n == 0 && len(body) != 0 {
		return false, corrupt("%d bytes stand after the end of a record", len(body))
	}
	return true, nil
}

// appendHeaders decodes the headers of a record behind those in dst. Keys are taken from names.
func (r *record) appendHeaders(dst []event.Header, names headerNames) ([]event.Header, error) {
	b := r.headers
	for range r.nHeader {
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

// headerNames saves making the same string for every record. It is bounded, because names come from producers.
type headerNames map[string]string

func (n headerNames) get(key []byte) string {
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
