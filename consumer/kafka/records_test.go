package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"github.com/ciobridge/ciobridge/event"
)

// testBatch is a record batch to be encoded.
type testBatch struct {
	base       int64
	lastDelta  int32 // when larger than what the records need
	attributes uint16
	time       int64
	producer   int64
	records    []testRecord
}

type testRecord struct {
	delta   int64
	key     []byte
	value   []byte
	headers []event.Header
}

func (tb testBatch) encode() []byte {
	var records []byte
	last := tb.lastDelta
	for _, r := range tb.records {
		var b []byte
		b = append(b, 0)
		b = binary.AppendVarint(b, r.delta) // one millisecond an offset
		b = binary.AppendVarint(b, r.delta)
		b = appendBytes(b, r.key)
		b = appendBytes(b, r.value)
		b = binary.AppendVarint(b, int64(len(r.headers)))
		for _, h := range r.headers {
			b = appendBytes(b, []byte(h.Key))
			b = appendBytes(b, h.Value)
		}
		records = binary.AppendVarint(records, int64(len(b)))
		records = append(records, b...)
		last = max(last, int32(r.delta))
	}
	if codec := compress.Compression(tb.attributes & attributeCodec).Codec(); codec != nil {
		var packed bytes.Buffer
		w := codec.NewWriter(&packed)
		_, _ = w.Write(records)
		_ = w.Close()
		records = packed.Bytes()
	}
	b := make([]byte, batchHeaderSize, batchHeaderSize+len(records))
	binary.BigEndian.PutUint64(b, uint64(tb.base))
	binary.BigEndian.PutUint32(b[8:], uint32(batchHeaderSize-batchPrefixSize+len(records)))
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], tb.attributes)
	binary.BigEndian.PutUint32(b[23:], uint32(last))
	binary.BigEndian.PutUint64(b[27:], uint64(tb.time))
	binary.BigEndian.PutUint64(b[35:], uint64(tb.time+int64(last)))
	binary.BigEndian.PutUint64(b[43:], uint64(tb.producer))
	binary.BigEndian.PutUint32(b[57:], uint32(len(tb.records)))
	b = append(b, records...)
	return reseal(b)
}

// reseal puts the right checksum on a batch.
func reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[batchCRCFrom:], castagnoli))
	return b
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

// decodeAll reads every record of one batch.
func decodeAll(b []byte, limit int) ([]event.Message, error) {
	h, err := readBatchHeader(b)
	if err != nil {
		return nil, err
	}
	if err := verify(b[:h.size]); err != nil {
		return nil, err
	}
	records := b[batchHeaderSize:h.size]
	if h.codec() != 0 {
		unpacked, err := decompress(h.codec(), records, limit)
		if err != nil {
			return nil, err
		}
		records = unpacked.Bytes
	}
	var out []event.Message
	names := headerNames{}
	rr := newRecordReader(&h, records)
	for {
		var r record
		ok, err := rr.next(&r)
		if err != nil || !ok {
			return out, err
		}
		headers, err := r.appendHeaders(nil, names)
		if err != nil {
			return out, err
		}
		out = append(out, event.Message{Origin: event.Origin{Offset: r.offset}, Key: r.key, Value: r.value, Headers: headers})
	}
}

func sampleBatch(attributes uint16) testBatch {
	return testBatch{base: 100, time: 1_700_000_000_000, attributes: attributes, producer: -1, records: []testRecord{
		{delta: 0, key: []byte("k"), value: []byte("one")},
		{delta: 1, key: nil, value: nil},
		{delta: 4, key: []byte{}, value: []byte{}, headers: []event.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}},
		{delta: 5, value: bytes.Repeat([]byte("long "), 2000)},
	}}
}

func TestRecordsOfEveryCodec(t *testing.T) {
	for codec := range uint16(5) {
		t.Run(fmt.Sprint(compress.Compression(codec)), func(t *testing.T) {
			tb := sampleBatch(codec)
			got, err := decodeAll(tb.encode(), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tb.records) {
				t.Fatalf("%d records, want %d", len(got), len(tb.records))
			}
			for i, want := range tb.records {
				m := got[i]
				if m.Origin.Offset != 100+want.delta || !same(m.Key, want.key) || !same(m.Value, want.value) {
					t.Errorf("record %d is %v %q %q", i, m.Origin.Offset, m.Key, m.Value)
				}
				if !slices.EqualFunc(m.Headers, want.headers, func(a, b event.Header) bool { return a.Key == b.Key && same(a.Value, b.Value) }) {
					t.Errorf("record %d has headers %q, want %q", i, m.Headers, want.headers)
				}
			}
		})
	}
}

// same compares bytes and tells nil from empty.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

// Every bit that is flipped on the way is noticed: by the checksum, or because the batch is no batch any more.
func TestRecordsWithAFlippedBit(t *testing.T) {
	whole := sampleBatch(0).encode()[:batchHeaderSize+40]
	binary.BigEndian.PutUint32(whole[8:], uint32(len(whole)-batchPrefixSize))
	reseal(whole)
	for i := range whole {
		if i < 8 || i >= 12 && i < 16 {
			continue // the base offset and the leader's epoch are set by the broker and not covered
		}
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			h, err := readBatchHeader(b)
			if err == nil {
				err = verify(b[:h.size])
			}
			if err == nil {
				t.Fatalf("bit %d of byte %d was flipped and nobody noticed", bit, i)
			}
		}
	}
}

func TestRecordsThatMakeNoSense(t *testing.T) {
	edit := func(f func(b []byte)) []byte {
		b := sampleBatch(0).encode()
		f(b)
		return reseal(b)
	}
	for name, b := range map[string][]byte{
		"negative count":         edit(func(b []byte) { binary.BigEndian.PutUint32(b[57:], ^uint32(0)) }),
		"more records than told": edit(func(b []byte) { binary.BigEndian.PutUint32(b[57:], 3) }),
		"fewer records":          edit(func(b []byte) { binary.BigEndian.PutUint32(b[57:], 5) }),
		"negative last offset":   edit(func(b []byte) { binary.BigEndian.PutUint32(b[23:], 1<<31) }),
		"offset past the last":   edit(func(b []byte) { binary.BigEndian.PutUint32(b[23:], 4) }),
		"old format":             edit(func(b []byte) { b[16] = 1 }),
		"tiny length":            edit(func(b []byte) { binary.BigEndian.PutUint32(b[8:], 3) }),
		"negative length":        edit(func(b []byte) { binary.BigEndian.PutUint32(b[8:], 1<<31) }),
		"unknown codec":          edit(func(b []byte) { b[22] = 7 }),
		"packed with nothing":    edit(func(b []byte) { b[22] = 1 }),
		"descending offsets":     testBatch{records: []testRecord{{delta: 1}, {delta: 1}}}.encode(),
	} {
		var broken *corruptError
		if _, err := decodeAll(b, 1<<20); !errors.As(err, &broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := sampleBatch(0).encode()
	for n := range len(whole) {
		if _, err := readBatchHeader(whole[:n]); !errors.Is(err, errTruncated) {
			t.Fatalf("a batch cut at %d bytes: %v", n, err)
		}
	}
}

// A few kilobytes that unpack to far more than the limit cost the limit and no more.
func TestRecordsThatExplode(t *testing.T) {
	const limit = 1 << 20
	for _, codec := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		tb := testBatch{attributes: uint16(codec), records: []testRecord{{value: []byte(strings.Repeat("a", 64*limit))}}}
		b := tb.encode()
		var broken *corruptError
		if _, err := decodeAll(b, limit); !errors.As(err, &broken) || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%v: %v", codec, err)
		}
		if got, err := decodeAll(b, 65*limit); err != nil || len(got) != 1 {
			t.Errorf("%v: with room for it: %v", codec, err)
		}
	}
	lies := map[string][]byte{
		"a snappy block of 4 GiB":        binary.AppendUvarint(nil, 1<<32-1),
		"a framed snappy block of 2 GiB": append([]byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"), 0x7f, 0xff, 0xff, 0xff),
	}
	for name, packed := range lies {
		if claimed(compress.Snappy, packed, limit) <= limit {
			t.Errorf("%s is believed", name)
		}
	}
	if claimed(compress.Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 31 << 3}, limit) <= limit {
		t.Error("a zstd window of 2 TiB is believed")
	}
	if claimed(compress.Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3}, limit) > limit {
		t.Error("a zstd window of 8 MiB is refused")
	}
}

func FuzzRecords(f *testing.F) {
	for codec := range uint16(5) {
		f.Add(sampleBatch(codec).encode())
	}
	f.Add(testBatch{attributes: attributeControl, records: []testRecord{{key: []byte{0, 0, 0, 0}}}}.encode())
	f.Fuzz(func(t *testing.T, given []byte) {
		const limit = 1 << 20
		b := slices.Clone(given)
		if h, err := readBatchHeader(b); err == nil {
			reseal(b[:h.size]) // else the checksum would hide everything behind it
			isAbortMarker(&h, b[batchHeaderSize:h.size])
		}
		next, need := scan(b, 5)
		if next < 5 || need < 0 {
			t.Fatalf("scan went back to %d, or needs %d", next, need)
		}
		got, err := decodeAll(b, limit)
		var broken *corruptError
		if err != nil && !errors.As(err, &broken) && !errors.Is(err, errTruncated) {
			t.Fatalf("an error of the wrong kind: %v", err)
		}
		last := int64(-1)
		for _, m := range got {
			if m.Origin.Offset <= last {
				t.Fatalf("offset %d after %d", m.Origin.Offset, last)
			}
			last = m.Origin.Offset
		}
	})
}
