package wire

import (
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go/compress"

	"github.com/ciobridge/ciobridge/consumer"
)

// A Decompressor unpacks batches of one partition after the other. It remembers how well they were packed, so that the
// next one finds a buffer of the right size: batches of a partition are alike. The zero value is ready.
type Decompressor struct{ ratio int } // unpacked bytes for sixteen packed ones

// An unpacker unpacks into a buffer and returns how many bytes that made, or errShort where they have no room.
type unpacker func(dst, packed []byte) (int, error)

var errShort = errors.New("the buffer is too small")

// Decompress unpacks the records of a batch into a buffer of its own. What unpacks to more than limit bytes is corrupt:
// the cap is what stands between a batch of a few kilobytes and all of the memory. Everything is unpacked to where it
// stays, and no memory is taken beside that, whatever window, blocks or size the data claims.
func (d *Decompressor) Decompress(codec int, packed []byte, limit int) (*consumer.Buffer, error) {
	unpack, size := d.unpacker(codec, packed)
	if unpack == nil {
		return nil, corrupt("compression %d is not known", codec)
	}
	for {
		out := consumer.NewBuffer(min(size, limit))
		out.Bytes = out.Bytes[:min(cap(out.Bytes), limit)]
		n, err := withoutPanic(unpack, out.Bytes, packed)
		if err == nil {
			d.learn(n, len(packed))
			out.Bytes = out.Bytes[:n]
			return out, nil
		}
		size = 2 * len(out.Bytes)
		tooMuch := len(out.Bytes) == limit
		out.Release()
		switch {
		case !errors.Is(err, errShort):
			return nil, corrupt("the %s data of the batch cannot be unpacked", compress.Compression(codec))
		case tooMuch:
			return nil, corrupt("the batch unpacks to more than %d bytes", limit)
		}
	}
}

// unpacker is what unpacks a batch, and how large the buffer should be: what the data says, or where it does not, what
// the batches before let expect.
func (d *Decompressor) unpacker(codec int, packed []byte) (unpack unpacker, size int) {
	const fourToOne = 4 * 16 // what is expected of the first batch
	expected := len(packed)*max(d.ratio, fourToOne)/16 + 1
	switch compress.Compression(codec) {
	case compress.Gzip:
		return unpackGzip, gzipSize(packed, expected)
	case compress.Snappy:
		return unpackSnappy, snappySize(packed)
	case compress.Lz4:
		return unpackLz4, expected
	case compress.Zstd:
		return unpackZstd, zstdSize(packed, expected)
	}
	return nil, 0
}

// learn notes how well a batch was packed. It follows what is packed better at once, and slowly what is packed less.
func (d *Decompressor) learn(unpacked, packed int) {
	if packed > 0 {
		ratio := unpacked*16/packed + 1
		d.ratio = max(ratio, d.ratio-(d.ratio-ratio)/16)
	}
}

// withoutPanic has a library's panic over data that makes no sense be an error.
func withoutPanic(unpack unpacker, dst, packed []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("unpack: %v", r)
		}
	}()
	return unpack(dst, packed)
}
