package event

import (
	"errors"

	"github.com/oklog/ulid/v2"
)

// ID is a ULID: 48 bits of milliseconds and 80 bits that tell calls apart. Customer.io remembers the ids of events,
// pages and screens and ignores repeats; a letter is known by the id of its call.
type ID [16]byte

var zeros [ulid.EncodedSize]byte

// AppendTo appends the 26 characters of the ULID's canonical form.
func (id ID) AppendTo(b []byte) []byte {
	b = append(b, zeros[:]...)
	_ = ulid.ULID(id).MarshalTextTo(b[len(b)-len(zeros):]) // fails where there is no room
	return b
}

// String is the ULID's canonical form, 26 characters of Crockford's base 32.
func (id ID) String() string { return ulid.ULID(id).String() }

// Millis is the time within the ULID, in milliseconds of unix time: that of the call's event.
func (id ID) Millis() int64 { return int64(ulid.ULID(id).Time()) }

// IsZero reports whether the id was never set.
func (id ID) IsZero() bool { return id == ID{} }

var errID = errors.New("not a ULID: want 26 characters of Crockford's base 32")

// ParseID reads the canonical form of a ULID, in either case.
func ParseID(s string) (ID, error) {
	id, err := ulid.ParseStrict(s)
	if err != nil {
		return ID{}, errID // its own errors say less
	}
	return ID(id), nil
}
