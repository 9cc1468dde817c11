package read

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxRecord is the most bytes of one row. A person with all attributes that there can be, each as long as it can be,
// has a third of it.
const maxRecord = 1 << 20

// A table reads the rows of a CSV file while the file comes in. A row that cannot be read does not spoil the next: a
// quote that is never closed takes its own line with it, and no other. It holds one row, or what may become one.
type table struct {
	in   *bufio.Reader
	held []byte // whole lines, each with its end
	at   int    // where the next row begins in them
	line int    // the number of the line there
	end  bool   // there are no more lines

	columns int      // that each row must have; 0 for any
	fields  [][]byte // of the last row
	text    []byte   // of its fields that had quotes in them
}

func newTable(r io.Reader) *table { return &table{in: bufio.NewReaderSize(r, 64<<10), line: 1} }

// A rowError says why a row cannot be read.
type rowError struct {
	line   int
	text   []byte // of the line
	detail string
}

func (e *rowError) Error() string { return fmt.Sprintf("line %d %s", e.line, e.detail) }

// next reads a row, of which it gives the fields and the number of its first line. They are valid until the next. The
// error is io.EOF behind the last row, a *rowError where the next can be tried, and otherwise that of reading.
func (t *table) next() (fields [][]byte, line int, err error) {
	for {
		size, whole, err := t.record()
		if err != nil {
			return nil, 0, err
		}
		record := t.held[t.at : t.at+size]
		if len(bytes.Trim(record, "\r\n")) == 0 {
			t.drop(size)
			continue
		}
		first := bytes.IndexByte(record, '\n') + 1
		detail := ""
		switch {
		case first > maxRecord:
			detail = fmt.Sprintf("is longer than %d bytes", maxRecord)
		case !whole:
			detail = "has a quote that is not closed"
		default:
			detail = t.parse(record)
		}
		line = t.line
		if detail != "" {
			e := &rowError{line, bytes.Clone(bytes.TrimRight(record[:first], "\r\n")), detail}
			t.drop(first)
			return nil, line, e
		}
		t.drop(size)
		return t.fields, line, nil
	}
}

// drop goes on behind some lines.
func (t *table) drop(size int) {
	t.line += bytes.Count(t.held[t.at:t.at+size], []byte{'\n'})
	t.at += size
}

// record holds lines until the next row is among them, which ends where its quotes come in pairs. It is not whole where
// there is no such end.
func (t *table) record() (size int, whole bool, err error) {
	quotes := 0
	for size <= maxRecord {
		n := bytes.IndexByte(t.held[t.at+size:], '\n') + 1
		if n == 0 {
			if more, err := t.readLine(); err != nil {
				return 0, false, err
			} else if !more {
				break
			}
			continue
		}
		quotes += bytes.Count(t.held[t.at+size:t.at+size+n], []byte{'"'})
		size += n
		if quotes%2 == 0 {
			return size, true, nil
		}
	}
	if size == 0 {
		return 0, false, io.EOF
	}
	return size, false, nil
}

// readLine holds one more line. Of one that is too long it holds as much as shows that.
func (t *table) readLine() (more bool, err error) {
	if t.at > 0 {
		t.held = t.held[:copy(t.held, t.held[t.at:])]
		t.at = 0
	}
	for began := len(t.held); !t.end; {
		piece, err := t.in.ReadSlice('\n')
		if room := maxRecord + 1 - (len(t.held) - began); len(piece) > room {
			piece = piece[:max(room, 0)]
		}
		t.held = append(t.held, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			t.end = true
		case err != nil:
			return false, err
		}
		if len(t.held) == began {
			return false, nil
		}
		if t.held[len(t.held)-1] != '\n' {
			t.held = append(t.held, '\n')
		}
		return true, nil
	}
	return false, nil
}

// parse takes a row apart, or says what is wrong with it.
func (t *table) parse(record []byte) (detail string) {
	rest := bytes.TrimSuffix(bytes.TrimSuffix(record, []byte{'\n'}), []byte{'\r'})
	t.fields, t.text = t.fields[:0], t.text[:0]
	if !utf8.Valid(rest) {
		return "is not UTF-8"
	}
	for more := true; more; {
		var field []byte
		if len(rest) > 0 && rest[0] == '"' {
			if field, rest = t.quoted(rest[1:]); len(rest) > 0 && rest[0] != ',' {
				return "has text behind a quote that closes a field"
			}
			more = len(rest) > 0
			rest = bytes.TrimPrefix(rest, []byte{','})
		} else {
			field, rest, more = bytes.Cut(rest, []byte{','})
			if bytes.IndexByte(field, '"') >= 0 {
				return "has a quote in the middle of a field"
			}
		}
		t.fields = append(t.fields, field)
	}
	if t.columns > 0 && len(t.fields) != t.columns {
		return fmt.Sprintf("has %d fields, and the header has %d", len(t.fields), t.columns)
	}
	return ""
}

// quoted reads a field up to the quote that closes it, which is there because the quotes come in pairs.
func (t *table) quoted(in []byte) (field, rest []byte) {
	began := len(t.text)
	for {
		n := bytes.IndexByte(in, '"')
		if n < 0 {
			return in, nil
		}
		closes := n+1 == len(in) || in[n+1] != '"'
		switch {
		case closes && len(t.text) == began:
			return in[:n], in[n+1:]
		case closes:
			t.text = append(t.text, in[:n]...)
			return t.text[began:], in[n+1:]
		}
		t.text = append(t.text, in[:n+1]...)
		in = in[n+2:]
	}
}
