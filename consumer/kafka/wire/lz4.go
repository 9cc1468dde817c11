package wire

import (
	"encoding/binary"

	"github.com/pierrec/lz4/v4"
)

// A frame of LZ4, whose blocks the library unpacks. Its own reader of frames takes two blocks of 4 MiB beside what it
// writes to, where a frame allows blocks of that size. The checksums are left out: the batch has one over all of it.
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
const (
	lz4Magic     = 0x184D2204
	lz4Skippable = 0x184D2A50 // and the fifteen after it
	lz4Window    = 64 << 10
	lz4Best      = 255 // bytes that one becomes, at most

	lz4DictionaryID    = 1 << 0
	lz4ContentChecksum = 1 << 2
	lz4ContentSize     = 1 << 3
	lz4BlockChecksum   = 1 << 4
	lz4Independent     = 1 << 5
	lz4VersionMask     = 3 << 6
	lz4Version         = 1 << 6
)

func unpackLz4(dst, packed []byte) (int, error) {
	n := 0
	for len(packed) > 0 {
		flags, blocks, err := lz4Frame(packed)
		if err != nil {
			return 0, err
		}
		if blocks == nil { // was skipped
			packed = packed[8+binary.LittleEndian.Uint32(packed[4:]):]
			continue
		}
		if n, packed, err = lz4Blocks(dst, n, blocks, flags); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// lz4Frame reads the beginning of a frame, and returns its flags and what follows; nothing for a frame to be skipped.
func lz4Frame(b []byte) (flags byte, blocks []byte, err error) {
	if len(b) < 8 {
		return 0, nil, errMalformed
	}
	magic := binary.LittleEndian.Uint32(b)
	if magic&^0xF == lz4Skippable {
		if uint64(binary.LittleEndian.Uint32(b[4:])) > uint64(len(b)-8) {
			return 0, nil, errMalformed
		}
		return 0, nil, nil
	}
	flags = b[4]
	size := 7 // magic, flags, sizes of blocks, checksum
	if flags&lz4ContentSize != 0 {
		size += 8
	}
	if magic != lz4Magic || flags&lz4VersionMask != lz4Version || flags&lz4DictionaryID != 0 || size > len(b) {
		return 0, nil, errMalformed
	}
	return flags, b[size:], nil
}

// lz4Blocks unpacks the blocks of a frame behind the first n bytes of dst, and returns how many bytes there are then,
// and what follows the frame.
func lz4Blocks(dst []byte, n int, b []byte, flags byte) (int, []byte, error) {
	const uncompressed = 1 << 31
	begin := n
	for {
		if len(b) < 4 {
			return 0, nil, errMalformed
		}
		head := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if head == 0 {
			if flags&lz4ContentChecksum != 0 {
				b = b[min(4, len(b)):]
			}
			return n, b, nil
		}
		size := int(head &^ uncompressed)
		if size > len(b) {
			return 0, nil, errMalformed
		}
		block := b[:size]
		b = b[size:]
		if flags&lz4BlockChecksum != 0 {
			b = b[min(4, len(b)):]
		}
		if head&uncompressed != 0 {
			if size > len(dst)-n {
				return 0, nil, errShort
			}
			n += copy(dst[n:], block)
			continue
		}
		var dictionary []byte
		if flags&lz4Independent == 0 {
			dictionary = dst[max(begin, n-lz4Window):n]
		}
		k, err := lz4.UncompressBlockWithDict(block, dst[n:], dictionary)
		if err != nil && len(dst)-n < lz4Best*size {
			return 0, nil, errShort // the library does not tell a block without room from one that makes no sense
		}
		if err != nil {
			return 0, nil, err
		}
		n += k
	}
}
