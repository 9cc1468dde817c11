package recordtest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/segmentio/kafka-go/compress"

	"github.com/ciobridge/ciobridge/event"
)

// The layout of a batch, written down apart from the code that reads it.
const (
	headerSize      = 61
	prefixSize      = 12
	checksummedFrom = 21
	codecBits       = 0x07
)

// Batch is a record batch to be encoded.
type Batch struct {
	Base       int64
	LastDelta  int32 // when larger than what the records need
	Attributes uint16
	Time       int64
	Producer   int64
	Records    []Record
}

// Record is one record of a Batch.
type Record struct {
	Delta   int64
	Key     []byte
	Value   []byte
	Headers []event.Header
}

// Encode writes the batch with its checksum, compressed as its attributes say.
func (tb Batch) Encode() []byte {
	var records []byte
	last := tb.LastDelta
	for _, r := range tb.Records {
		var b []byte
		b = append(b, 0)
		b = binary.AppendVarint(b, r.Delta) // one millisecond an offset
		b = binary.AppendVarint(b, r.Delta)
		b = appendBytes(b, r.Key)
		b = appendBytes(b, r.Value)
		b = binary.AppendVarint(b, int64(len(r.Headers)))
		for _, h := range r.Headers {
			b = appendBytes(b, []byte(h.Key))
			b = appendBytes(b, h.Value)
		}
		records = binary.AppendVarint(records, int64(len(b)))
		records = append(records, b...)
		last = max(last, int32(r.Delta))
	}
	if codec := compress.Compression(tb.Attributes & codecBits).Codec(); codec != nil {
		var packed bytes.Buffer
		w := codec.NewWriter(&packed)
		_, _ = w.Write(records)
		_ = w.Close()
		records = packed.Bytes()
	}
	b := make([]byte, headerSize, headerSize+len(records))
	binary.BigEndian.PutUint64(b, uint64(tb.Base))
	binary.BigEndian.PutUint32(b[8:], uint32(headerSize-prefixSize+len(records)))
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], tb.Attributes)
	binary.BigEndian.PutUint32(b[23:], uint32(last))
	binary.BigEndian.PutUint64(b[27:], uint64(tb.Time))
	binary.BigEndian.PutUint64(b[35:], uint64(tb.Time+int64(last)))
	binary.BigEndian.PutUint64(b[43:], uint64(tb.Producer))
	binary.BigEndian.PutUint32(b[57:], uint32(len(tb.Records)))
	b = append(b, records...)
	return Reseal(b)
}

// Reseal puts the right checksum on a batch.
func Reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[checksummedFrom:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

// SampleBatch has records with and without keys, values and headers.
func SampleBatch(attributes uint16) Batch {
	return Batch{Base: 100, Time: 1_700_000_000_000, Attributes: attributes, Producer: -1, Records: []Record{
		{Delta: 0, Key: []byte("k"), Value: []byte("one")},
		{Delta: 1, Key: nil, Value: nil},
		{Delta: 4, Key: []byte{}, Value: []byte{}, Headers: []event.Header{{Key: "a", Value: []byte("1")},
			{Key: "a", Value: nil}, {Key: "", Value: []byte{}}}},
		{Delta: 5, Value: bytes.Repeat([]byte("long "), 2000)},
	}}
}
