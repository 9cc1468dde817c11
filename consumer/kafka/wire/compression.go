package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/segmentio/kafka-go/compress"

	"github.com/ciobridge/ciobridge/consumer"
)

// Decompress unpacks the records of a batch into a buffer of its own. What unpacks to more than limit bytes is corrupt:
// the cap is what stands between a batch of a few kilobytes and all of the memory.
func Decompress(codec int, packed []byte, limit int) (out *consumer.Buffer, err error) {
	c := compress.Compression(codec).Codec()
	if c == nil {
		return nil, corrupt("compression %d is not known", codec)
	}
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, corrupt("the %s data of the batch cannot be unpacked", c.Name())
		}
	}()
	if claimed(compress.Compression(codec), packed, limit) > limit {
		return nil, corrupt("the batch unpacks to more than %d bytes", limit)
	}
	r := c.NewReader(bytes.NewReader(packed))
	defer r.Close()
	out = consumer.NewBuffer(min(4*len(packed), limit+1))
	n := 0
	for {
		if n == len(out.Bytes) {
			if n > limit {
				out.Release()
				return nil, corrupt("the batch unpacks to more than %d bytes", limit)
			}
			larger := consumer.NewBuffer(min(2*n+1, limit+1))
			copy(larger.Bytes, out.Bytes)
			out.Release()
			out = larger
		}
		k, err := r.Read(out.Bytes[n:])
		n += k
		if errors.Is(err, io.EOF) {
			out.Bytes = out.Bytes[:n]
			return out, nil
		}
		if err != nil {
			out.Release()
			return nil, corrupt("the %s data of the batch cannot be unpacked", c.Name())
		}
	}
}

// claimed is how much memory the libraries would take on the word of the data alone, before they look at what follows:
// the block sizes of snappy and the window of zstd. The other codecs ask for nothing in advance.
func claimed(c compress.Compression, packed []byte, limit int) int {
	switch c {
	case compress.Snappy:
		return snappyClaim(packed, limit)
	case compress.Zstd:
		return zstdClaim(packed, limit)
	}
	return 0
}

// snappyClaim adds up the sizes of the blocks, in Java's framing or without one. It stops when it is past limit.
func snappyClaim(packed []byte, limit int) int {
	const xerialHeader = 16
	if !bytes.HasPrefix(packed, []byte("\x82SNAPPY\x00")) {
		return blockClaim(packed, limit)
	}
	total := 0
	b := packed[min(xerialHeader, len(packed)):]
	for len(b) >= 4 && total <= limit {
		size := binary.BigEndian.Uint32(b)
		b = b[4:]
		if uint64(size) > uint64(len(b)) {
			return limit + 1 // the library would make room for the whole of it
		}
		total += blockClaim(b[:size], limit)
		b = b[size:]
	}
	return total
}

func blockClaim(block []byte, limit int) int {
	n, size := binary.Uvarint(block)
	if size <= 0 || n > uint64(limit) {
		return limit + 1
	}
	return int(n)
}

// zstdClaim is the window of the first frame. A frame in a single segment has none: its window is its content, for
// which the library makes room as it comes. Windows of up to 8 MiB, which every decoder supports, count as nothing.
// https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1.1.2
func zstdClaim(packed []byte, limit int) int {
	const always = 8 << 20
	if len(packed) < 6 || packed[4]&0x20 != 0 {
		return 0
	}
	exponent, mantissa := uint(packed[5]>>3), int(packed[5]&7)
	base := 1 << (10 + exponent)
	if size := base + base/8*mantissa; size > max(limit, always) {
		return limit + 1
	}
	return 0
}
