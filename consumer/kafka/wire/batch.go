package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A record batch as Kafka stores and sends it since 0.11 ("magic 2"): a header of 61 bytes, then the records,
// compressed or not. https://kafka.apache.org/documentation/#recordbatch
const (
	BatchHeaderSize = 61
	batchPrefixSize = 12 // base offset and length, which the length does not count
	batchCRCFrom    = 21 // the checksum covers everything after itself
)

const (
	attributeCodec         = 0x07
	attributeAppendTime    = 0x08
	attributeTransactional = 0x10
	attributeControl       = 0x20
)

// ErrTruncated says that a record set ends inside a batch. Brokers cut them off at the size that was asked for.
var ErrTruncated = errors.New("the batch is cut off")

// CorruptError is a batch that cannot be trusted.
type CorruptError struct {
	What  string
	After int64 // the offset behind the batch, if its header can be believed; 0 when it cannot be read
}

func (e *CorruptError) Error() string { return e.What }

func corrupt(format string, args ...any) error {
	return &CorruptError{What: fmt.Sprintf(format, args...)}
}

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// BatchHeader is what stands before the records of a batch.
type BatchHeader struct {
	base       int64
	Size       int // of the whole batch
	attributes uint16
	lastDelta  int32
	firstTime  int64
	maxTime    int64
	producer   int64
	count      int32
}

// Last is the offset of the last record, or of one that the broker has removed behind it.
func (h *BatchHeader) Last() int64 { return h.base + int64(h.lastDelta) }

// Codec says how the records are compressed; 0 is not at all.
func (h *BatchHeader) Codec() int { return int(h.attributes & attributeCodec) }

func (h *BatchHeader) control() bool       { return h.attributes&attributeControl != 0 }
func (h *BatchHeader) transactional() bool { return h.attributes&attributeTransactional != 0 }

// ReadBatchHeader reads the header of the batch with which b begins. It gives ErrTruncated for a batch that b does not
// hold whole; the header's size is then set if b holds that much. The checksum is checked by VerifyChecksum.
func ReadBatchHeader(b []byte) (h BatchHeader, err error) {
	if len(b) < batchPrefixSize {
		return h, ErrTruncated
	}
	h.base = int64(binary.BigEndian.Uint64(b))
	length := int32(binary.BigEndian.Uint32(b[8:]))
	if length < BatchHeaderSize-batchPrefixSize {
		return h, corrupt("a batch of %d bytes is shorter than its header", length)
	}
	h.Size = batchPrefixSize + int(length)
	if len(b) >= 17 && b[16] != 2 {
		return h, corrupt("record format %d is not the one of Kafka 0.11 and later", b[16])
	}
	if len(b) < h.Size {
		return h, ErrTruncated
	}
	h.attributes = binary.BigEndian.Uint16(b[21:])
	h.lastDelta = int32(binary.BigEndian.Uint32(b[23:]))
	h.firstTime = int64(binary.BigEndian.Uint64(b[27:]))
	h.maxTime = int64(binary.BigEndian.Uint64(b[35:]))
	h.producer = int64(binary.BigEndian.Uint64(b[43:]))
	h.count = int32(binary.BigEndian.Uint32(b[57:]))
	if h.base < 0 || h.lastDelta < 0 || h.count < 0 || h.count > h.lastDelta+1 {
		return h, corrupt("a batch of %d records over %d offsets from %d on is impossible",
			h.count, int64(h.lastDelta)+1, h.base)
	}
	return h, nil
}

// VerifyChecksum compares the checksum of a whole batch.
func VerifyChecksum(batch []byte) error {
	want := binary.BigEndian.Uint32(batch[17:])
	if got := crc32.Checksum(batch[batchCRCFrom:], crcTable); got != want {
		return corrupt("the checksum of the batch is %08x, its header says %08x", got, want)
	}
	return nil
}

// ScanBatches finds the offset after the last whole batch of a record set, without looking at what the batches hold.
// Need is the size of a batch that does not fit although it is the first. It stops at a batch that makes no sense, and
// reading its records then finds it damaged.
func ScanBatches(set []byte, from int64) (next int64, need int) {
	next = from
	for first := true; len(set) > 0; first = false {
		h, err := ReadBatchHeader(set)
		if first && errors.Is(err, ErrTruncated) {
			return next, max(h.Size, BatchHeaderSize)
		}
		if err != nil {
			return next, 0
		}
		next = max(next, h.Last()+1)
		set = set[h.Size:]
	}
	return next, 0
}
