package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

var errMalformed = errors.New("the data is malformed")

// gzipSize is what stands at the end of the data, where that can be.
func gzipSize(packed []byte, expected int) int {
	const best = 1032 // bytes that deflate makes of one, at most
	if len(packed) >= 4 {
		if n := binary.LittleEndian.Uint32(packed[len(packed)-4:]); n > 0 && uint64(n) <= uint64(len(packed))*best {
			return int(n)
		}
	}
	return expected
}

func unpackGzip(dst, packed []byte) (int, error) {
	r := compress.Gzip.Codec().NewReader(bytes.NewReader(packed))
	defer r.Close()
	n, err := io.ReadFull(r, dst)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n > 0 && ended(r):
		return n, nil
	case err != nil:
		return 0, err
	case ended(r):
		return n, nil
	}
	return 0, errShort
}

// ended reports whether a reader has come to its proper end.
func ended(r io.Reader) bool {
	n, err := io.ReadFull(r, make([]byte, 1))
	return n == 0 && errors.Is(err, io.EOF)
}

// snappyBlocks gives the blocks one by one, in Java's framing or without one.
func snappyBlocks(packed []byte, each func(block []byte, size int) error) error {
	const magic, header = "\x82SNAPPY\x00", 16
	framed := bytes.HasPrefix(packed, []byte(magic))
	if framed {
		packed = packed[min(header, len(packed)):]
	}
	for first := true; len(packed) > 0 || first && !framed; first = false {
		block := packed
		packed = nil
		if framed {
			if len(block) < 4 {
				return errMalformed
			}
			n := binary.BigEndian.Uint32(block)
			if uint64(n) > uint64(len(block)-4) {
				return errMalformed
			}
			block, packed = block[4:4+n], block[4+n:]
		}
		size, err := s2.DecodedLen(block)
		if err == nil {
			err = each(block, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func snappySize(packed []byte) int {
	total := 0
	_ = snappyBlocks(packed, func(_ []byte, size int) error { // the unpacker finds what is wrong
		total = min(total+size, math.MaxInt32)
		return nil
	})
	return total
}

func unpackSnappy(dst, packed []byte) (int, error) {
	n := 0
	err := snappyBlocks(packed, func(block []byte, size int) error {
		if size > len(dst)-n {
			return errShort
		}
		_, err := s2.Decode(dst[n:n+size], block)
		n += size
		return err
	})
	return n, err
}

// zstdDecoder serves as many goroutines at a time as there are processors. It starts none.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderLowmem(true))
})

func unpackZstd(dst, packed []byte) (int, error) {
	decoder, err := zstdDecoder()
	if err != nil {
		return 0, err
	}
	out, err := decoder.DecodeAll(packed, dst[:0:len(dst)])
	// The library's errors do not all tell data that makes no sense from such as has no room.
	if err != nil && len(dst) < zstdMost(packed) {
		return 0, errShort
	}
	return len(out), err
}

// zstdSize is what the first frame says of its content. Producers in Java do not say it.
func zstdSize(packed []byte, expected int) int {
	var h zstd.Header
	if h.Decode(packed) != nil || !h.HasFCS {
		return expected
	}
	return int(min(h.FrameContentSize, uint64(zstdMost(packed))))
}

// zstdMost is what frames unpack to, at most.
// https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1
func zstdMost(packed []byte) int {
	most := 0
	for len(packed) > 0 && most < math.MaxInt32 {
		var h zstd.Header
		if h.Decode(packed) != nil {
			return most
		}
		packed = packed[min(h.HeaderSize, len(packed)):]
		if h.Skippable {
			packed = packed[min(int64(h.SkippableSize), int64(len(packed))):]
			continue
		}
		most += zstdBlocks(&packed)
		if h.HasCheckSum {
			packed = packed[min(4, len(packed)):]
		}
	}
	return most
}

// zstdBlocks takes the blocks of a frame away, and returns what they unpack to, at most.
func zstdBlocks(packed *[]byte) int {
	const raw, rle, largest = 0, 1, 128 << 10
	most := 0
	for b := *packed; ; {
		if len(b) < 3 {
			*packed = nil
			return most
		}
		head := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size, kind := int(head>>3), head>>1&3
		length := size
		if kind == rle {
			length = 1
		}
		if kind != raw && kind != rle {
			size = largest
		}
		most = min(most+size, math.MaxInt32)
		b = b[3:]
		b = b[min(length, len(b)):]
		*packed = b
		if head&1 == 1 {
			return most
		}
	}
}
