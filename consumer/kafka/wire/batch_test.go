package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/recordtest"
)

// decodeAll reads every record of one batch.
func decodeAll(b []byte, limit int) ([]event.Message, error) {
	h, err := ReadBatchHeader(b)
	if err != nil {
		return nil, err
	}
	if err := VerifyChecksum(b[:h.Size]); err != nil {
		return nil, err
	}
	records := b[BatchHeaderSize:h.Size]
	if h.Codec() != 0 {
		unpacked, err := new(Decompressor).Decompress(h.Codec(), records, limit)
		if err != nil {
			return nil, err
		}
		records = unpacked.Bytes
	}
	var out []event.Message
	names := HeaderNames{}
	rr := NewRecordReader(&h, records)
	for {
		var r Record
		ok, err := rr.Next(&r)
		if err != nil || !ok {
			return out, err
		}
		headers, err := r.AppendHeaders(nil, names)
		if err != nil {
			return out, err
		}
		out = append(out, event.Message{Origin: event.Origin{Offset: r.Offset}, Key: r.Key, Value: r.Value,
			Headers: headers})
	}
}

func TestRecordsOfEveryCodec(t *testing.T) {
	for codec := range uint16(5) {
		t.Run(fmt.Sprint(compress.Compression(codec)), func(t *testing.T) {
			tb := recordtest.SampleBatch(codec)
			got, err := decodeAll(tb.Encode(), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tb.Records) {
				t.Fatalf("%d records, want %d", len(got), len(tb.Records))
			}
			for i, want := range tb.Records {
				m := got[i]
				if m.Origin.Offset != 100+want.Delta || !same(m.Key, want.Key) || !same(m.Value, want.Value) {
					t.Errorf("record %d is %v %q %q", i, m.Origin.Offset, m.Key, m.Value)
				}
				if !slices.EqualFunc(m.Headers, want.Headers, func(a, b event.Header) bool {
					return a.Key == b.Key &&
						same(a.Value, b.Value)
				}) {
					t.Errorf("record %d has headers %q, want %q", i, m.Headers, want.Headers)
				}
			}
		})
	}
}

// same compares bytes and tells nil from empty.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

// Every bit that is flipped on the way is noticed: by the checksum, or because the batch is no batch any more.
func TestRecordsWithAFlippedBit(t *testing.T) {
	whole := recordtest.SampleBatch(0).Encode()[:BatchHeaderSize+40]
	binary.BigEndian.PutUint32(whole[8:], uint32(len(whole)-batchPrefixSize))
	recordtest.Reseal(whole)
	for i := range whole {
		if i < 8 || i >= 12 && i < 16 {
			continue // the base offset and the leader's epoch are set by the broker and not covered
		}
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			h, err := ReadBatchHeader(b)
			if err == nil {
				err = VerifyChecksum(b[:h.Size])
			}
			if err == nil {
				t.Fatalf("bit %d of byte %d was flipped and nobody noticed", bit, i)
			}
		}
	}
}

func TestRecordsThatMakeNoSense(t *testing.T) {
	edit := func(f func(b []byte)) []byte {
		b := recordtest.SampleBatch(0).Encode()
		f(b)
		return recordtest.Reseal(b)
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
		"descending offsets":     recordtest.Batch{Records: []recordtest.Record{{Delta: 1}, {Delta: 1}}}.Encode(),
	} {
		var broken *CorruptError
		if _, err := decodeAll(b, 1<<20); !errors.As(err, &broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := recordtest.SampleBatch(0).Encode()
	for n := range len(whole) {
		if _, err := ReadBatchHeader(whole[:n]); !errors.Is(err, ErrTruncated) {
			t.Fatalf("a batch cut at %d bytes: %v", n, err)
		}
	}
}

// A few kilobytes that unpack to far more than the limit cost the limit and no more.
func TestRecordsThatExplode(t *testing.T) {
	const limit = 1 << 20
	for _, codec := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		tb := recordtest.Batch{Attributes: uint16(codec),
			Records: []recordtest.Record{{Value: []byte(strings.Repeat("a", 16*limit))}}}
		b := tb.Encode()
		var broken *CorruptError
		if _, err := decodeAll(b, limit); !errors.As(err, &broken) || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%v: %v", codec, err)
		}
		if got, err := decodeAll(b, 17*limit); err != nil || len(got) != 1 {
			t.Errorf("%v: with room for it: %v", codec, err)
		}
	}
	lies := map[string]struct {
		codec  compress.Compression
		packed []byte
	}{
		"a snappy block of 4 GiB": {compress.Snappy, binary.AppendUvarint(nil, 1<<32-1)},
		"a framed snappy block of 2 GiB": {compress.Snappy,
			append([]byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"), 0x7f, 0xff, 0xff, 0xff)},
		"a zstd window of 2 TiB": {compress.Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 31 << 3, 4<<1 | 5, 0, 0}},
		"zstd content of 2 GiB":  {compress.Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x80, 1, 0, 0}},
		"gzip content of 4 GiB":  {compress.Gzip, []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
		"an lz4 block of 2 GiB":  {compress.Lz4, []byte{4, 0x22, 0x4d, 0x18, 0x60, 0x70, 0, 0xff, 0xff, 0xff, 0x7f, 0}},
	}
	for name, lie := range lies {
		before := taken()
		var broken *CorruptError
		_, err := new(Decompressor).Decompress(int(lie.codec), lie.packed, limit)
		if got := taken() - before; !errors.As(err, &broken) || got > 2*limit {
			t.Errorf("%s: %v, for %d bytes", name, err, got)
		}
	}
}

// taken is how much memory the tests have taken so far.
func taken() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func FuzzRecords(f *testing.F) {
	for codec := range uint16(5) {
		f.Add(recordtest.SampleBatch(codec).Encode())
	}
	f.Add(recordtest.Batch{Attributes: attributeControl,
		Records: []recordtest.Record{{Key: []byte{0, 0, 0, 0}}}}.Encode())
	f.Fuzz(func(t *testing.T, given []byte) {
		const limit = 1 << 20
		b := slices.Clone(given)
		if h, err := ReadBatchHeader(b); err == nil {
			recordtest.Reseal(b[:h.Size]) // else the checksum would hide everything behind it
			isAbortMarker(&h, b[BatchHeaderSize:h.Size])
		}
		next, need := ScanBatches(b, 5)
		if next < 5 || need < 0 {
			t.Fatalf("scan went back to %d, or needs %d", next, need)
		}
		got, err := decodeAll(b, limit)
		var broken *CorruptError
		if err != nil && !errors.As(err, &broken) && !errors.Is(err, ErrTruncated) {
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
