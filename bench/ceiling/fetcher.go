package ceiling

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetcher reads one partition with fetch requests of its own over one connection, checks the CRC of every batch of
// records and hands the values out where they stand in its buffer.
type fetcher struct {
	conn    net.Conn
	format  *kmsg.RequestFormatter
	req     kmsg.FetchRequest
	resp    kmsg.FetchResponse
	out, in []byte
	counter int32
}

const (
	fetchVersion = 11 // the last one before the protocol's flexible encoding
	fetchBytes   = 1 << 20
	fetchWait    = 250 * time.Millisecond
)

func newFetcher(ctx context.Context, addr, topic string, partition int32) (*fetcher, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to the partition's leader: %w", err)
	}
	f := &fetcher{conn: conn, format: kmsg.NewRequestFormatter(kmsg.FormatterClientID("ciobridge-bench"))}
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.PartitionMaxBytes = partition, fetchBytes
	top := kmsg.NewFetchRequestTopic()
	top.Topic, top.Partitions = topic, []kmsg.FetchRequestTopicPartition{part}
	f.req = kmsg.NewFetchRequest()
	f.req.Version, f.req.MaxWaitMillis, f.req.MinBytes, f.req.MaxBytes = fetchVersion,
		int32(fetchWait.Milliseconds()), 1, fetchBytes
	f.req.Topics = []kmsg.FetchRequestTopic{top}
	return f, nil
}

func (f *fetcher) close() error { return f.conn.Close() }

// fetch gives each record from offset on to the function, in order, and returns the offset after the last. The values
// are valid until the next fetch.
func (f *fetcher) fetch(offset int64, each func(offset int64, value []byte) error) (int64, error) {
	sets, err := f.exchange(offset)
	if err != nil {
		return offset, fmt.Errorf("fetch: %w", err)
	}
	for len(sets) >= batchLengthEnd {
		size := batchLengthEnd + int(binary.BigEndian.Uint32(sets[8:]))
		if size > len(sets) {
			break // the broker cuts the last batch where the answer is full
		}
		if offset, err = readBatch(sets[:size], offset, each); err != nil {
			return offset, err
		}
		sets = sets[size:]
	}
	return offset, nil
}

// exchange sends one request and returns the record sets of the answer.
func (f *fetcher) exchange(offset int64) ([]byte, error) {
	f.counter++
	f.req.Topics[0].Partitions[0].FetchOffset = offset
	f.out = f.format.AppendRequest(f.out[:0], &f.req, f.counter)
	if err := f.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := f.conn.Write(f.out); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(f.conn, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[:])) - 4
	if size < 0 || size > 4*fetchBytes || int32(binary.BigEndian.Uint32(head[4:])) != f.counter {
		return nil, errors.New("the answer is not the one to this request")
	}
	if cap(f.in) < size {
		f.in = make([]byte, size+size/4)
	}
	f.in = f.in[:size]
	if _, err := io.ReadFull(f.conn, f.in); err != nil {
		return nil, err
	}
	f.resp.Version = fetchVersion
	if err := f.resp.ReadFrom(f.in); err != nil {
		return nil, err
	}
	if f.resp.ErrorCode != 0 || len(f.resp.Topics) != 1 || len(f.resp.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("the broker answered error %d", f.resp.ErrorCode)
	}
	part := &f.resp.Topics[0].Partitions[0]
	if part.ErrorCode != 0 {
		return nil, fmt.Errorf("the broker answered error %d for the partition", part.ErrorCode)
	}
	return part.RecordBatches, nil
}

// Where the fields of a batch of records stand in its bytes.
const (
	batchLengthEnd  = 12
	batchMagic      = 16
	batchCRC        = 17
	batchAttributes = 21
	batchCount      = 57
	batchRecords    = 61
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errRecords = errors.New("damaged batch of records")
)

// readBatch hands out the records of one batch and returns the offset after it. Records before the offset asked for
// are left out: a broker answers with the whole batch in which that offset lies.
func readBatch(b []byte, from int64, each func(offset int64, value []byte) error) (int64, error) {
	if len(b) < batchRecords || b[batchMagic] != 2 {
		return from, errRecords
	}
	if crc32.Checksum(b[batchAttributes:], castagnoli) != binary.BigEndian.Uint32(b[batchCRC:]) {
		return from, fmt.Errorf("%w: the CRC does not match", errRecords)
	}
	if b[batchAttributes+1]&0x27 != 0 {
		return from, errors.New("the bench reads plain batches only: no compression, no control records")
	}
	base, count := int64(binary.BigEndian.Uint64(b)), int(binary.BigEndian.Uint32(b[batchCount:]))
	r := records{b: b[batchRecords:]}
	for range count {
		delta, value := r.next()
		if r.bad {
			return from, errRecords
		}
		offset := base + delta
		if offset < from {
			continue
		}
		if err := each(offset, value); err != nil {
			return from, err
		}
		from = offset + 1
	}
	return from, nil
}

type records struct {
	b   []byte
	bad bool
}

func (r *records) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *records) bytes(n int64) []byte {
	if n < 0 {
		return nil
	}
	if n > int64(len(r.b)) {
		r.bad = true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// next gives a record's offset from the base and its value. What follows the value, headers, is passed over by the
// length.
func (r *records) next() (delta int64, value []byte) {
	rec := records{b: r.bytes(r.varint())}
	rec.bytes(1) // attributes
	rec.varint() // time
	delta = rec.varint()
	rec.bytes(rec.varint()) // key
	value = rec.bytes(rec.varint())
	r.bad = r.bad || rec.bad
	return delta, value
}
