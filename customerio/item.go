package customerio

import "strconv"

// AppendItem begins an item of a v2 batch that acts on a person, up to the identifier's text, which is the same for
// every call of an action. The caller appends the text as a JSON string and a closing brace; the item stays open after
// that, more members may follow, and the caller closes it with another brace. The text is an identifier as
// CheckIdentifier accepts it; the prefix cio_, which v1 and Segment write before a cio_id, is not part of a v2
// identifier and has been taken off.
func (o *Operation) AppendItem(dst []byte, kind Identifier) []byte {
	dst = append(dst, `{"type":"person","action":"`...)
	dst = append(dst, o.wire...)
	dst = append(dst, `","`...)
	dst = append(dst, o.Field(PersonField).member...)
	dst = append(dst, `":{"`...)
	dst = append(dst, identifierNames[kind]...)
	return append(dst, `":`...)
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
