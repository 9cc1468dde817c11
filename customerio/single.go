package customerio

import (
	"bytes"
	"strconv"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// SingleEvent is an event, page or screen that is too large for a batch and travels alone over v1.
type SingleEvent struct {
	Operation *Operation
	Person    Identifier
	Text      []byte // the person's identifier, as CheckIdentifier accepts it
	Name      []byte // the event's name as JSON
	ID        []byte // the event's ULID
	Unix      int64  // the event's time in unix seconds; 0 leaves it out, and Customer.io takes the time of receipt
	Data      []byte // an object as JSON, at most MaxEventDataBytes
}

// Path gives the path of the request, which is always a POST. It is empty where v1 cannot name the person: v1 tells the
// kinds of identifiers apart by their looks, so that a phone number would be taken as an id, an id that looks like an
// e-mail address as one, and what begins with cio_ as a cio_id.
func (e *SingleEvent) Path() string {
	text := e.Text
	switch e.Person {
	case ID, Email:
		if bytes.HasPrefix(text, []byte("cio_")) || e.Person == ID && bytes.IndexByte(text, '@') >= 0 {
			return ""
		}
	case CioID:
		text = append([]byte("cio_"), text...)
	case AnonymousID:
		return "/api/v1/events"
	case Phone:
		return ""
	}
	return "/api/v1/customers/" + escapePath(text) + "/events"
}

// AppendTo appends the body of the request.
func (e *SingleEvent) AppendTo(dst []byte) []byte {
	dst = append(dst, `{"name":`...)
	dst = append(dst, e.Name...)
	dst = append(AppendMember(dst, "type"), '"')
	dst = append(append(dst, e.Operation.wire...), '"')
	dst = append(AppendMember(dst, "id"), '"')
	dst = append(append(dst, e.ID...), '"')
	if e.Person == AnonymousID {
		dst = jsontext.AppendString(AppendMember(dst, "anonymous_id"), e.Text)
	}
	if e.Unix != 0 {
		dst = strconv.AppendInt(AppendMember(dst, "timestamp"), e.Unix, 10)
	}
	dst = append(AppendMember(dst, "data"), e.Data...)
	return append(dst, '}')
}

// escapePath percent-encodes every byte that RFC 3986 does not list as unreserved. The dot is encoded as well, because
// a segment "." or ".." would be taken as a step in the path.
func escapePath(text []byte) string {
	const hexUpper = "0123456789ABCDEF"
	out := make([]byte, 0, len(text)+16)
	for _, c := range text {
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '~' {
			out = append(out, c)
			continue
		}
		out = append(out, '%', hexUpper[c>>4], hexUpper[c&15])
	}
	return string(out)
}
