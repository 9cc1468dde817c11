package consumer

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
)

// Range is the offsets from From up to To, exclusive.
type Range struct{ From, To int64 }

// AckedRanges is what is acked of a log past the committable offset: ranges in ascending order that do not touch. Since
// the messages of one person are acked in the order of the log, leaving these messages out keeps each person's order;
// so does leaving out only the first of the ranges.
type AckedRanges []Range

// Count is the number of offsets, those of holes included.
func (s AckedRanges) Count() (n int64) {
	for _, r := range s {
		n += r.To - r.From
	}
	return n
}

// End is where the last range ends; 0 when there is none.
func (s AckedRanges) End() int64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].To
}

// Append adds a range that begins at or after the end of the last one.
func (s AckedRanges) Append(r Range) AckedRanges {
	if last := len(s) - 1; last >= 0 && s[last].To >= r.From {
		s[last].To = max(s[last].To, r.To)
		return s
	}
	return append(s, r)
}

// AppendFrom appends to s what past holds from an offset on.
func (s AckedRanges) AppendFrom(past AckedRanges, offset int64) AckedRanges {
	first, _ := slices.BinarySearchFunc(past, offset, compareEnd)
	for _, r := range past[first:] {
		s = s.Append(Range{max(r.From, offset), r.To})
	}
	return s
}

// Union is what either holds.
func (s AckedRanges) Union(t AckedRanges) AckedRanges {
	if len(s) == 0 || len(t) == 0 {
		return append(slices.Clone(s), t...)
	}
	all := slices.Concat(s, t)
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	var u AckedRanges
	for _, r := range all {
		u = u.Append(r)
	}
	return u
}

// CountWithin is how many of the offsets from from up to to, exclusive, are acked.
func (s AckedRanges) CountWithin(from, to int64) (n int64) {
	for _, r := range s {
		n += max(0, min(r.To, to)-max(r.From, from))
	}
	return n
}

// compareEnd places an offset among ranges: at the first that ends behind it.
func compareEnd(r Range, offset int64) int {
	if r.To <= offset {
		return -1
	}
	return 1
}

// rangeCursor looks offsets up. For offsets that rise, all look-ups together cost no more than one walk over the
// ranges.
type rangeCursor struct {
	ranges AckedRanges
	at     int // ranges before it end at or before the last offset
}

// has reports whether an offset is acked.
func (c *rangeCursor) has(offset int64) bool {
	if c.at > 0 && c.ranges[c.at-1].To > offset {
		c.at, _ = slices.BinarySearchFunc(c.ranges, offset, compareEnd)
	}
	for c.at < len(c.ranges) && c.ranges[c.at].To <= offset {
		c.at++
	}
	return c.at < len(c.ranges) && c.ranges[c.at].From <= offset
}

// The text of acked ranges: a version, then in base64 a checksum of four bytes and two varints for each range, how far
// it begins behind the end of the one before (the first: behind the committable offset) and how long it is. The
// checksum covers the name of the log and the committable offset too: a text that has come to another log or
// committable offset, copied by a tool, says nothing.
const (
	rangesVersion    = "1."
	maxEncodedRanges = 64 << 10 // bytes of a text that is read
)

var rangesEncoding = base64.RawURLEncoding.Strict()

// Encode writes the ranges as a text of at most limit bytes, which holds as many of the first as there is room for. It
// is empty when there are none. Log names the log: two logs whose offsets mean different messages have different names.
func (s AckedRanges) Encode(log string, committable int64, limit int) string {
	room := rangesEncoding.DecodedLen(min(limit, maxEncodedRanges) - len(rangesVersion))
	b := make([]byte, 4, max(4, min(room, 4+4*len(s))))
	end := committable
	for _, r := range s {
		var pair [2 * binary.MaxVarintLen64]byte
		p := binary.AppendUvarint(pair[:0], uint64(r.From-end))
		p = binary.AppendUvarint(p, uint64(r.To-r.From))
		if len(b)+len(p) > room {
			break
		}
		b = append(b, p...)
		end = r.To
	}
	if len(b) == 4 {
		return ""
	}
	binary.BigEndian.PutUint32(b, rangesSum(log, committable, b[4:]))
	return rangesVersion + rangesEncoding.EncodeToString(b)
}

// DecodeAckedRanges reads what Encode wrote for this log and this committable offset. Anything else is nothing.
func DecodeAckedRanges(log string, committable int64, text string) AckedRanges {
	body, ok := strings.CutPrefix(text, rangesVersion)
	if !ok || len(text) > maxEncodedRanges || committable < 0 {
		return nil
	}
	b, err := rangesEncoding.DecodeString(body)
	if err != nil || len(b) < 4 || binary.BigEndian.Uint32(b) != rangesSum(log, committable, b[4:]) {
		return nil
	}
	var s AckedRanges
	end := committable
	for b = b[4:]; len(b) > 0; {
		gap, rest, ok1 := readCount(b, min(len(s), 1), end)
		length, rest, ok2 := readCount(rest, 1, end+gap)
		if !ok1 || !ok2 {
			return nil
		}
		end += gap + length
		s = append(s, Range{end - length, end})
		b = rest
	}
	return s
}

// readCount reads a varint in its shortest form that is not less than least and does not lead beyond the largest
// offset.
func readCount(b []byte, least int, from int64) (n int64, rest []byte, ok bool) {
	u, size := binary.Uvarint(b)
	if size <= 0 || u < uint64(least) || size > 1 && b[size-1] == 0 || u > uint64(1<<63-1-from) {
		return 0, nil, false
	}
	return int64(u), b[size:], true
}

var crcTable = crc32.MakeTable(crc32.Castagnoli)

func rangesSum(log string, committable int64, spans []byte) uint32 {
	sum := crc32.Update(0, crcTable, []byte(log))
	sum = crc32.Update(sum, crcTable, binary.BigEndian.AppendUint64(nil, uint64(committable)))
	return crc32.Update(sum, crcTable, spans)
}
