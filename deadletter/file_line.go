package deadletter

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
)

// line is a record in a file. What is not valid UTF-8 is written in base64, under the name that ends in 64; what is null is
// left out.
type line struct {
	Time    time.Time    `json:"time"`
	Key     *string      `json:"key,omitempty"`
	Key64   []byte       `json:"key64,omitempty"`
	Headers []lineHeader `json:"headers"`
	Value   *string      `json:"value,omitempty"`
	Value64 []byte       `json:"value64,omitempty"`
}

type lineHeader struct {
	Name    *string `json:"name,omitempty"`
	Name64  []byte  `json:"name64,omitempty"`
	Value   *string `json:"value,omitempty"`
	Value64 []byte  `json:"value64,omitempty"`
}

// appendLine appends the record as one line.
func appendLine(b []byte, r *Record) ([]byte, error) {
	l := line{Time: r.Time.UTC(), Headers: lineHeaders(r.Headers)}
	l.Key, l.Key64 = text(r.Key)
	l.Value, l.Value64 = text(r.Value)
	raw, err := json.Marshal(&l)
	if err != nil {
		return b, fmt.Errorf("encode line: %w", err)
	}
	return append(append(b, raw...), '\n'), nil
}

var errLine = errors.New("the line is not a record")

// parseLine reads a line without its end.
func parseLine(b []byte) (Record, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil || l.Headers == nil {
		return Record{}, errLine
	}
	return Record{Time: l.Time, Key: untext(l.Key, l.Key64), Value: untext(l.Value, l.Value64), Headers: l.headers()}, nil
}

func lineHeaders(headers []event.Header) []lineHeader {
	list := make([]lineHeader, len(headers))
	for i, h := range headers {
		list[i].Name, list[i].Name64 = text([]byte(h.Key))
		list[i].Value, list[i].Value64 = text(h.Value)
	}
	return list
}

func (l *line) headers() []event.Header {
	headers := make([]event.Header, len(l.Headers))
	for i, h := range l.Headers {
		headers[i] = event.Header{Key: string(untext(h.Name, h.Name64)), Value: untext(h.Value, h.Value64)}
	}
	return headers
}

// text gives bytes as a JSON string where they are valid UTF-8, else as they are, for base64. Null gives neither.
func text(b []byte) (*string, []byte) {
	if b == nil {
		return nil, nil
	}
	if !utf8.Valid(b) {
		return nil, b
	}
	s := string(b)
	return &s, nil
}

func untext(s *string, b []byte) []byte {
	if s != nil {
		return []byte(*s)
	}
	return b
}
