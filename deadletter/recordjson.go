package deadletter

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
)

// recordJSON is a record as JSON text. What is not valid UTF-8 stands in base64, under the name that ends in 64; what
// is null is left out. It is read by its tags, and written by AppendJSON without a copy of what the record holds.
type recordJSON struct {
	Time    time.Time    `json:"time"`
	Key     *string      `json:"key,omitempty"`
	Key64   []byte       `json:"key64,omitempty"`
	Headers []headerJSON `json:"headers"`
	Value   *string      `json:"value,omitempty"`
	Value64 []byte       `json:"value64,omitempty"`
}

type headerJSON struct {
	Name    *string `json:"name,omitempty"`
	Name64  []byte  `json:"name64,omitempty"`
	Value   *string `json:"value,omitempty"`
	Value64 []byte  `json:"value64,omitempty"`
}

// AppendJSON appends the record as one line of JSON text.
func AppendJSON(b []byte, r *Record) []byte {
	b = append(b, `{"time":"`...)
	b = r.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = appendText(b, `,"key`, r.Key)
	b = append(b, `,"headers":`...)
	b = AppendHeadersJSON(b, r.Headers)
	b = appendText(b, `,"value`, r.Value)
	return append(b, "}\n"...)
}

// AppendHeadersJSON appends headers as a JSON array, in their order.
func AppendHeadersJSON(b []byte, headers []event.Header) []byte {
	b = append(b, '[')
	for i, h := range headers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = appendText(b, `"name`, []byte(h.Key))
		b = appendText(b, `,"value`, h.Value)
		b = append(b, '}')
	}
	return append(b, ']')
}

var errJSON = errors.New("the line is not a record")

// ParseJSON reads what AppendJSON wrote, without the end of the line.
func ParseJSON(b []byte) (Record, error) {
	var r recordJSON
	if err := json.Unmarshal(b, &r); err != nil || r.Headers == nil {
		return Record{}, errJSON
	}
	return Record{
		Time: r.Time, Key: untext(r.Key, r.Key64), Value: untext(r.Value, r.Value64), Headers: headersOf(r.Headers),
	}, nil
}

// ParseHeadersJSON reads what AppendHeadersJSON wrote.
func ParseHeadersJSON(b []byte) ([]event.Header, error) {
	var list []headerJSON
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, errJSON
	}
	return headersOf(list), nil
}

func headersOf(list []headerJSON) []event.Header {
	headers := make([]event.Header, len(list))
	for i, h := range list {
		headers[i] = event.Header{Key: string(untext(h.Name, h.Name64)), Value: untext(h.Value, h.Value64)}
	}
	return headers
}

// appendText appends bytes under a name whose closing quote is still missing: as text, or in base64 where they are no
// text or one of mostly control characters, each of which takes six bytes. Null appends nothing.
//
// It does not use package jsontext, which escapes in another way: the lines of a file keep their form, and escapes
// tells how long one becomes.
func appendText(b []byte, name string, text []byte) []byte {
	if text == nil {
		return b
	}
	b = append(b, name...)
	extra, ok := escapes(text)
	if !ok {
		b = append(b, `64":"`...)
		b = base64.StdEncoding.AppendEncode(b, text)
		return append(b, '"')
	}
	b = append(b, `":"`...)
	if extra == 0 {
		b = append(b, text...)
		return append(b, '"')
	}
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// escapes counts the bytes that a text grows by as a JSON string. It is not ok where there is no text, or the string
// would be more than twice as long.
func escapes(text []byte) (extra int, ok bool) {
	for _, c := range text {
		switch {
		case c == '"' || c == '\\' || c == '\n':
			extra++
		case c < ' ':
			extra += len(`\u0000`) - 1
		}
	}
	return extra, extra <= len(text) && utf8.Valid(text)
}

func untext(s *string, b []byte) []byte {
	if s != nil {
		return []byte(*s)
	}
	return b
}
