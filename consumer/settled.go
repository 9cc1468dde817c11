package consumer

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
)

// span is the offsets from from up to to, exclusive.
type span struct{ from, to int64 }

// settled is what is done of a log past the floor: spans in ascending order that do not touch. Since what concerns one person is done in
// the order of the log, leaving these messages out keeps each person's order; so does leaving out only the first of the spans.
type settled []span

// count is the number of offsets, those of holes included.
func (s settled) count() (n int64) {
	for _, sp := range s {
		n += sp.to - sp.from
	}
	return n
}

// end is where the last span ends; 0 when there is none.
func (s settled) end() int64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].to
}

// append adds a span that begins at or after the end of the last one.
func (s settled) append(sp span) settled {
	if last := len(s) - 1; last >= 0 && s[last].to >= sp.from {
		s[last].to = max(s[last].to, sp.to)
		return s
	}
	return append(s, sp)
}

// after appends to s what past holds from an offset on.
func (s settled) after(past settled, offset int64) settled {
	first, _ := slices.BinarySearchFunc(past, offset, func(sp span, offset int64) int { return compareEnd(sp, offset) })
	for _, sp := range past[first:] {
		s = s.append(span{max(sp.from, offset), sp.to})
	}
	return s
}

// union is what either holds.
func (s settled) union(t settled) settled {
	if len(s) == 0 || len(t) == 0 {
		return append(slices.Clone(s), t...)
	}
	all := slices.Concat(s, t)
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var u settled
	for _, sp := range all {
		u = u.append(sp)
	}
	return u
}

// within is how many of the offsets from from up to to, exclusive, are done.
func (s settled) within(from, to int64) (n int64) {
	for _, sp := range s {
		n += max(0, min(sp.to, to)-max(sp.from, from))
	}
	return n
}

// compareEnd places an offset among spans: at the first that ends behind it.
func compareEnd(sp span, offset int64) int {
	if sp.to <= offset {
		return -1
	}
	return 1
}

// settledCursor looks offsets up. For offsets that rise, all look-ups together cost no more than one walk over the spans.
type settledCursor struct {
	done settled
	at   int // spans before it end at or before the last offset
}

// has reports whether an offset is done.
func (c *settledCursor) has(offset int64) bool {
	if c.at > 0 && c.done[c.at-1].to > offset {
		c.at, _ = slices.BinarySearchFunc(c.done, offset, compareEnd)
	}
	for c.at < len(c.done) && c.done[c.at].to <= offset {
		c.at++
	}
	return c.at < len(c.done) && c.done[c.at].from <= offset
}

// The text of spans: a version, then in base64 a checksum of four bytes and two varints for each span, how far it begins behind the end of
// the one before (the first: behind the floor) and how long it is. The checksum covers the name of the log and the floor too: a text that has come
// to another log or floor, copied by a tool, says nothing.
const (
	settledVersion = "1."
	mostSettled    = 64 << 10 // bytes of a text that is read
)

var settledEncoding = base64.RawURLEncoding.Strict()

// encode writes the spans as a text of at most limit bytes, which holds as many of the first as there is room for. It is empty when there
// are none. Log names the log: two logs whose offsets mean different messages have different names.
func (s settled) encode(log string, floor int64, limit int) string {
	room := settledEncoding.DecodedLen(min(limit, mostSettled) - len(settledVersion))
	b := make([]byte, 4, max(4, min(room, 4+4*len(s))))
	end := floor
	for _, sp := range s {
		var pair [2 * binary.MaxVarintLen64]byte
		p := binary.AppendUvarint(pair[:0], uint64(sp.from-end))
		p = binary.AppendUvarint(p, uint64(sp.to-sp.from))
		if len(b)+len(p) > room {
			break
		}
		b = append(b, p...)
		end = sp.to
	}
	if len(b) == 4 {
		return ""
	}
	binary.BigEndian.PutUint32(b, settledSum(log, floor, b[4:]))
	return settledVersion + settledEncoding.EncodeToString(b)
}

// decodeSettled reads what encode wrote for this log and this floor. Anything else is nothing.
func decodeSettled(log string, floor int64, text string) settled {
	body, ok := strings.CutPrefix(text, settledVersion)
	if !ok || len(text) > mostSettled || floor < 0 {
		return nil
	}
	b, err := settledEncoding.DecodeString(body)
	if err != nil || len(b) < 4 || binary.BigEndian.Uint32(b) != settledSum(log, floor, b[4:]) {
		return nil
	}
	var s settled
	end := floor
	for b = b[4:]; len(b) > 0; {
		gap, rest, ok1 := readCount(b, min(len(s), 1), end)
		length, rest, ok2 := readCount(rest, 1, end+gap)
		if !ok1 || !ok2 {
			return nil
		}
		end += gap + length
		s = append(s, span{end - length, end})
		b = rest
	}
	return s
}

// readCount reads a varint in its shortest form that is not less than least and does not lead beyond the largest offset.
func readCount(b []byte, least int, from int64) (n int64, rest []byte, ok bool) {
	u, size := binary.Uvarint(b)
	if size <= 0 || u < uint64(least) || size > 1 && b[size-1] == 0 || u > uint64(1<<63-1-from) {
		return 0, nil, false
	}
	return int64(u), b[size:], true
}

func settledSum(log string, floor int64, spans []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(log))
	sum = crc32.Update(sum, castagnoli, binary.BigEndian.AppendUint64(nil, uint64(floor)))
	return crc32.Update(sum, castagnoli, spans)
}
