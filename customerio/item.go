package customerio

import (
	"strconv"
	"strings"
)

// AppendHead begins a call with what all calls of the action have: an item of a v2 batch, or the body of a request of
// its own. Members follow, each with a comma before it but where the head ends in a brace, and a closing brace.
func (o *Operation) AppendHead(dst []byte) []byte {
	switch {
	case o.Shared:
		return dst
	case o.Path != "":
		return append(append(dst, '{'), o.body...)
	}
	dst = append(dst, `{"type":"`...)
	if o.item == "" {
		dst = append(dst, "person"...)
	}
	dst = append(dst, o.item...)
	dst = append(dst, `","action":"`...)
	dst = append(dst, o.wire...)
	return append(dst, '"')
}

// AppendItem begins an item of a v2 batch that acts on a person, up to the identifier's text, which is the same for
// every call of an action. The caller appends the text as a JSON string and a closing brace; the item stays open after
// that, more members may follow, and the caller closes it with another brace. The text is an identifier as
// CheckIdentifier accepts it; the prefix cio_, which v1 and Segment write before a cio_id, is not part of a v2
// identifier and has been taken off.
func (o *Operation) AppendItem(dst []byte, kind Identifier) []byte {
	dst = append(o.AppendHead(dst), `,"`...)
	dst = append(dst, o.Field(PersonField).within...)
	dst = append(dst, `":{"`...)
	dst = append(dst, identifierNames[kind]...)
	return append(dst, `":`...)
}

// EventName is the name of the event that every call of the operation is. It is empty where a field gives the name, and
// for what is no event.
func (o *Operation) EventName() string { return o.event }

// RequestPath is the path of a request of its own: with a value for the field InPath, and for a person who is named
// by an identifier of that kind.
func (o *Operation) RequestPath(value []byte, kind Identifier) string {
	before, after, _ := strings.Cut(o.Path, "{}")
	path := before
	if len(before) < len(o.Path) {
		path += escapePath(value) + after
	}
	return strings.ReplaceAll(path, "{kind}", identifierNames[kind])
}

// AppendMember appends a comma, the name and a colon; the value follows. The name is JSON's own text, without escapes.
func AppendMember(dst []byte, name string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	return append(dst, `":`...)
}

// AppendTimestamp appends the member timestamp in unix seconds. Anything else would be replaced by the time of receipt,
// with a 200.
func AppendTimestamp(dst []byte, unix int64) []byte {
	return strconv.AppendInt(append(dst, `,"timestamp":`...), unix, 10)
}

// requestFields are the fields of a request of one's own. A person says in whose lane it waits.
func requestFields() []Field {
	fields := []Field{{Key: "person", Kind: PersonField, within: "identifiers", Identifiers: named, Lanes: true}}
	for _, key := range []string{"api", "method", "path"} {
		fields = append(fields, Field{Key: key, Kind: RequestField, Required: true})
	}
	for _, key := range []string{
		"query", "headers", "body", "form", "files", "timeout", "retry", "response", "reply_to", "debug",
	} {
		fields = append(fields, Field{Key: key, Kind: RequestField})
	}
	return fields
}

func required(f Field) Field {
	f.Required = true
	return f
}

// in is a field that stands as a member of an object within the call.
func in(within, member string, f Field) Field {
	f.within, f.member = within, member
	return f
}

// path is a field that stands in the path of the request.
func path(f Field) Field {
	f.InPath = true
	return f
}
