package deadletter

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Letter is one failure as it stands in the log: a call that failed, or an event that could not be read.
//
// A letter begins when a store writes a failed message; the record then holds the message and one letter for each of
// its failures. It is open, and listed as such, until a resolution that stands behind it names it. A replay that fails
// in another way than before writes the letter again, with the same ID, and the newer record counts. A replay that
// fails in the same way writes a resolution that counts the attempt and leaves the letter open. What retention takes
// away is gone, open or not.
//
// The letters of one record share its memory.
type Letter struct {
	Message event.Message
	Failure event.Failure

	EventID    event.ID       // shared by all letters of one event
	ConfigHash string         // of the configuration under which the call failed
	Original   event.Original // where the record is a repaired copy
	Truncated  *Truncation    // nil where the original record is whole
	Sealed     string         // the id of the key under which it is sealed, where it could not be opened
	Position   Position       // where the letter stands in the dead-letter log
	Written    time.Time
}

// ID is the identity of the letter. It is that of the call, which stays the same when the call fails again.
func (l *Letter) ID() event.ID { return l.Failure.ID }

// Truncation tells what a letter was before it was truncated to the store's limit. A truncated letter is never
// replayed: the original must be taken from its source again.
type Truncation struct {
	Bytes  int               // the length of the original value
	SHA256 [sha256.Size]byte // of the original value
}

func (c *Truncation) String() string {
	return strconv.Itoa(c.Bytes) + " " + hex.EncodeToString(c.SHA256[:])
}

var errTruncation = errors.New("not the length and the SHA-256 of a value")

func parseTruncation(s string) (*Truncation, error) {
	length, sum, _ := strings.Cut(s, " ")
	n, err := strconv.Atoi(length)
	raw, errSum := hex.DecodeString(sum)
	if err != nil || errSum != nil || n < 0 || len(raw) != sha256.Size {
		return nil, errTruncation
	}
	return &Truncation{Bytes: n, SHA256: [sha256.Size]byte(raw)}, nil
}

// EventID names the event that a message tells, so that the letters of one event are known to belong together. It is a
// ULID: the broker's time of the message, and a hash of its origin, its time and its content, which is key, value and
// headers.
//
// A message that stood in the same place of a topic that was deleted and made again has another identity, and so has a
// copy of the message that was changed. Headers of the bridge's own do not count, and neither does the order of headers
// with different names, which not every store keeps.
func EventID(m *event.Message) event.ID {
	h := sha256.New()
	var stack [512]byte
	b := appendNumber(stack[:0], int64(len(m.Origin.Topic)))
	b = append(b, m.Origin.Topic...)
	b = appendNumber(b, int64(len(m.Origin.Subject)))
	b = append(b, m.Origin.Subject...)
	b = appendNumber(b, int64(m.Origin.Partition))
	b = appendNumber(b, m.Origin.Offset)
	b = appendNumber(b, m.Time.Unix())
	b = appendNumber(b, int64(m.Time.Nanosecond()))
	b = appendLength(b, m.Key)
	b = append(b, m.Key...)
	var few [16]event.Header
	for _, header := range sortedHeaders(few[:0], m.Headers) {
		b = appendNumber(b, int64(len(header.Key)))
		b = append(b, header.Key...)
		b = appendLength(b, header.Value)
		b = append(b, header.Value...)
	}
	h.Write(appendLength(b, m.Value))
	h.Write(m.Value)
	var millis int64
	if !m.Time.IsZero() {
		millis = min(max(m.Time.UnixMilli(), 0), 1<<48-1)
	}
	var id event.ID
	binary.BigEndian.PutUint64(id[:8], uint64(millis)<<16)
	copy(id[6:], h.Sum(stack[:0]))
	return id
}

func appendNumber(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

// appendLength tells null, which has the length -1, from empty.
func appendLength(b, content []byte) []byte {
	if content == nil {
		return appendNumber(b, -1)
	}
	return appendNumber(b, int64(len(content)))
}

// sortedHeaders appends the headers that are not the bridge's own by name, those of one name in their order.
func sortedHeaders(list, headers []event.Header) []event.Header {
	for _, h := range headers {
		if !ownHeaders[h.Key] {
			list = append(list, h)
		}
	}
	slices.SortStableFunc(list, func(a, b event.Header) int { return strings.Compare(a.Key, b.Key) })
	return list
}
