package file

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/report"
)

// ours are the columns that every table begins with. Behind them stand the keys of the first row, those within an
// object with its own before them, and then "more", which has as JSON what a later row tells under other keys.
var ours = []string{
	"event_id", "content_hash", "revision", "event_type", "event_time", "workspace", "report", "object", "window_start",
	"window_end",
}

// Where what is read back stands among ours.
const (
	idColumn   = 0
	hashColumn = 1
)

const more = "more"

// table has an event in each row of a CSV file (RFC 4180).
type table struct {
	columns []string // nil until the first row
}

func (t *table) start() string { return strings.Join(ours, ",") + "," }

func (t *table) begin(in *io.SectionReader) error {
	t.columns = nil
	if in.Size() == 0 {
		return nil
	}
	columns, err := csv.NewReader(in).Read()
	if err != nil {
		return err
	}
	if columns[len(columns)-1] != more {
		return fmt.Errorf("%w: the last of its columns is not %s: name another file", report.ErrUnfit, more)
	}
	t.columns = columns
	return nil
}

func (t *table) encode(text []byte, e *cloudevent.Event) ([]byte, error) {
	r, err := rowOf(e)
	if err != nil {
		return text, err
	}
	out := bytes.NewBuffer(text)
	rows := csv.NewWriter(out)
	if t.columns == nil {
		t.columns = append(slices.Clone(ours), r.keys()...)
		t.columns = append(t.columns, more)
		_ = rows.Write(t.columns) // a buffer takes everything
	}
	cells := r.ours
	for _, key := range t.columns[len(ours) : len(t.columns)-1] {
		cells = append(cells, textOf(r.take(key)))
	}
	_ = rows.Write(append(cells, r.rest()))
	rows.Flush()
	return out.Bytes(), rows.Error()
}

func (t *table) decode(in io.Reader, each func(id, hash string)) error {
	rows := csv.NewReader(in)
	rows.FieldsPerRecord, rows.ReuseRecord = -1, true
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(cells) > len(ours) && cells[idColumn] != ours[idColumn] {
			each(cells[idColumn], cells[hashColumn])
		}
	}
}

// whole looks at the whole file, because a line break within quotation marks ends no row.
func (t *table) whole(in io.ReaderAt, size int64) (whole int64, err error) {
	block, quoted := make([]byte, 64<<10), false
	for at := int64(0); at < size; {
		part := block[:min(int64(len(block)), size-at)]
		if _, err := in.ReadAt(part, at); err != nil {
			return 0, err
		}
		for i := 0; ; i++ {
			n := bytes.IndexAny(part[i:], "\"\n")
			if n < 0 {
				break
			}
			if i += n; part[i] == '"' {
				quoted = !quoted
			} else if !quoted {
				whole = at + int64(i) + 1
			}
		}
		at += int64(len(part))
	}
	return whole, nil
}
