package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// identityVersion is part of every identity. Raising it makes every call a new one for Customer.io.
const identityVersion = 1

// The ways in which an event is known. They are part of the identity, so that an id can never equal a place.
const (
	byID    = 'i' // the id that the envelope or the rule names
	byPlace = 'p' // topic, partition, offset, time and content of the record
)

// appendFramed appends a text with its length before it, so that no two lists of texts give the same bytes.
func appendFramed[S string | []byte](dst []byte, s S) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendPlace appends the identity of an event that names none: where its record stood, when, and what it held. Place
// alone is enough until a topic is deleted and made again; then the record's time tells records apart, and for the same
// millisecond the length and checksum of the content. A checksum is enough there, and costs a tenth of a digest.
func appendPlace(dst []byte, m *event.Message) []byte {
	dst = append(dst, byPlace)
	dst = appendFramed(dst, m.Origin.Topic)
	partition := m.Origin.Partition
	if m.Origin.Subject != "" {
		partition = 0 // a stream's sequence is one of the whole stream, however its readers divide it
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(partition))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Origin.Offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(millis(m.Time)))
	if m.Value == nil {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(append(dst, 1), uint64(len(m.Value)))
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(m.Value, castagnoli))
}

// millis is a time in unix milliseconds, 0 for no time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// identity is the event's identity as the current rule sees it. Where nothing names the event it is its place, made
// when first asked for: that reads the whole content.
func (s *state) identity() []byte {
	if len(s.ruleID) > 0 {
		return s.ruleID
	}
	if len(s.eventID) == 0 {
		s.eventID = appendPlace(s.eventID, &s.m)
	}
	return s.eventID
}

// A callKey is what a rule gives to the identities of one of its calls: a digest of the scope and of the names of rule
// and call.
type callKey [16]byte

func keyOf(scope, rule, call string) callKey {
	b := appendFramed([]byte{identityVersion}, scope)
	sum := sha256.Sum256(appendFramed(appendFramed(b, rule), call))
	return callKey(sum[:])
}

// callID is the identity of a call: the event's time, and a digest of the call's key and the event's identity. With an
// id like a UUID that is one block of SHA-256.
func (s *state) callID(a *action, item int) event.ID {
	b := append(s.hash[:0], a.key[:]...)
	b = appendFramed(b, s.identity())
	if item >= 0 {
		b = binary.AppendUvarint(b, uint64(item))
	}
	s.hash = b
	sum := sha256.Sum256(b)
	var id event.ID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(s.time.ms, 0)))
	copy(id[:6], ms[2:])
	copy(id[6:], sum[:10])
	return id
}
