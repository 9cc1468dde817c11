package read

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

// maxMalformed is how much of a line that cannot be read is kept.
const maxMalformed = 64 << 10

// An objectNamer says what a row of a file is about: the columns that may name it, the best first.
type objectNamer struct {
	kind    string
	columns []string
}

// A header is what the first line of a file tells: the columns in the order of their names, in which rows have them.
type header struct {
	names []column
	ids   []int // which fields name the object
	made  []int // and which may tell when it came to be

	last string // the identifier of the row before
	same int    // how many rows with it have come
}

type column struct {
	field int
	key   []byte // as JSON, with the colon
}

// readLines hands on a row for each line behind the first, which names the columns.
func (j *job) readLines(ctx context.Context, t *table, o order) error {
	first, _, err := t.next()
	if errors.Is(err, io.EOF) {
		return nil // nothing was found
	}
	if err != nil {
		var row *rowError
		if errors.As(err, &row) {
			return retry.Permanent(&AnswerError{"read the columns of the export", err})
		}
		return &AnswerError{"read the columns of the export", err}
	}
	h := newHeader(first, o)
	t.columns = len(first)
	for lines := 0; ; lines++ {
		fields, line, err := t.next()
		var malformed *rowError
		switch {
		case err == nil:
			w, next := h.window(o.window, fields)
			if next {
				continue
			}
			err = j.each(report.Row{Object: h.object(o.object.kind, fields, line), Window: w, Data: h.data(fields)})
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &malformed):
			text := malformed.text[:min(len(malformed.text), maxMalformed)]
			err = j.Malformed(ctx, report.Malformed{Line: line, Text: text, Detail: malformed.detail})
		default:
			return &AnswerError{fmt.Sprintf("read the export behind line %d", lines+1), err}
		}
		if err != nil {
			return err
		}
	}
}

// newHeader reads the names of the columns. Two of one name are told apart by a number.
func newHeader(fields [][]byte, o order) *header {
	h := &header{}
	seen := map[string]bool{}
	names := make([]string, len(fields))
	for i, field := range fields {
		if i == 0 {
			field = bytes.TrimPrefix(field, []byte("\xef\xbb\xbf")) // of files for spreadsheets
		}
		name := string(field)
		for n := 2; seen[name]; n++ {
			name = string(field) + "_" + strconv.Itoa(n)
		}
		seen[name], names[i] = true, name
		h.names = append(h.names, column{i, append(jsontext.AppendString(nil, []byte(name)), ':')})
	}
	slices.SortFunc(h.names, func(a, b column) int { return cmp.Compare(names[a.field], names[b.field]) })
	h.ids, h.made = columnsOf(names, o.object.columns), columnsOf(names, o.made)
	return h
}

// columnsOf finds those columns that are there.
func columnsOf(names, wanted []string) (found []int) {
	for _, name := range wanted {
		if i := slices.Index(names, name); i >= 0 {
			found = append(found, i)
		}
	}
	return found
}

// window is the time at which what a row is about came to be, which is the same whoever asks for whichever time. It is
// that of the run where no column tells one that lies in it: no document says what the columns of a file are. What came
// to be at the very end belongs to the next run, also if Customer.io shows it in both.
func (h *header) window(w report.Window, fields [][]byte) (own report.Window, next bool) {
	for _, i := range h.made {
		at := parseTime(string(fields[i])).Truncate(time.Microsecond)
		if !at.Before(w.Start) && !at.After(w.End) {
			return report.Window{Start: at, End: at}, at.Equal(w.End)
		}
	}
	return w, false
}

// object names what a row is about. One without an identifier is named by its line, and one that follows another of the
// same identifier by its number among these.
func (h *header) object(kind string, fields [][]byte, line int) string {
	for _, i := range h.ids {
		if len(fields[i]) == 0 {
			continue
		}
		if string(fields[i]) != h.last {
			h.last, h.same = string(fields[i]), 1
			return kind + "/" + h.last
		}
		h.same++
		return kind + "/" + h.last + "/" + strconv.Itoa(h.same)
	}
	return "line/" + strconv.Itoa(line)
}

// data is a row as JSON, of which each value is text, as in the file.
func (h *header) data(fields [][]byte) json.RawMessage {
	size := 2
	for _, c := range h.names {
		size += len(c.key) + len(fields[c.field]) + 4
	}
	data := append(make([]byte, 0, size), '{')
	for i, c := range h.names {
		if i > 0 {
			data = append(data, ',')
		}
		data = jsontext.AppendString(append(data, c.key...), fields[c.field])
	}
	return append(data, '}')
}
