package event

import (
	"encoding/binary"
	"errors"
)

// ID is a ULID: 48 bits of milliseconds and 80 bits that tell calls apart. Customer.io remembers the ids of events, pages and
// screens and ignores repeats; a letter is known by the id of its call.
type ID [16]byte

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var zeros [26]byte

// pairs are two characters for every ten bits, the first in the low byte.
var pairs = func() (t [1024]uint16) {
	for i := range t {
		t[i] = uint16(crockford[i>>5]) | uint16(crockford[i&31])<<8
	}
	return t
}()

// AppendTo appends the 26 characters of the ULID's canonical form.
func (id ID) AppendTo(b []byte) []byte {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	b = append(b, zeros[:]...)
	out := b[len(b)-len(zeros):] // written in place: a copy of what was just stored in small pieces would wait for it
	binary.LittleEndian.PutUint16(out[0:], pairs[hi>>56])
	middle := lo>>60 | hi<<4
	for i := range 6 { // the last 60 bits, and the 60 before them
		binary.LittleEndian.PutUint16(out[24-2*i:], pairs[lo>>(10*i)&1023])
		binary.LittleEndian.PutUint16(out[12-2*i:], pairs[middle>>(10*i)&1023])
	}
	return b
}

// String is the ULID's canonical form, 26 characters of Crockford's base 32.
func (id ID) String() string { return string(id.AppendTo(nil)) }

// IsZero reports whether the id was never set.
func (id ID) IsZero() bool { return id == ID{} }

var errID = errors.New("not a ULID: want 26 characters of Crockford's base 32")

// ParseID reads the canonical form of a ULID, in either case.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 26 || s[0] > '7' {
		return id, errID
	}
	var hi, lo uint64
	for i := 0; i < len(s); i++ {
		v := decodeCrockford(s[i])
		if v > 31 {
			return ID{}, errID
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	for i := 0; i < 8; i++ {
		id[i] = byte(hi >> (56 - 8*i))
		id[8+i] = byte(lo >> (56 - 8*i))
	}
	return id, nil
}

func decodeCrockford(c byte) byte {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	for i := 0; i < len(crockford); i++ {
		if crockford[i] == c {
			return byte(i)
		}
	}
	return 0xff
}
