package file

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/report"
)

// ours are the columns that every table begins with. Behind them stand the keys of the first row, and then "more",
// which has as JSON what a later row tells under other keys.
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

// row is an event as cells.
type row struct {
	ours    []string
	members []member
}

// member is one of a JSON object, or none where it was taken.
type member struct {
	key   string
	value json.RawMessage
}

func rowOf(e *cloudevent.Event) (row, error) {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return row{}, fmt.Errorf("write an event: %w", err)
	}
	var name, object, start, end string
	var r row
	for _, m := range membersOf(data) {
		switch m.key {
		case "report":
			name = textOf(m.value)
		case "object":
			object = textOf(m.value)
		case "revision":
		case "window":
			for _, side := range membersOf(m.value) {
				switch side.key {
				case "start":
					start = textOf(side.value)
				case "end":
					end = textOf(side.value)
				}
			}
		case "row":
			r.members = append(r.members, membersOf(m.value)...)
		default:
			r.members = append(r.members, m)
		}
	}
	happened := ""
	if !e.Time.IsZero() {
		happened = e.Time.UTC().Format(time.RFC3339Nano)
	}
	r.ours = []string{
		e.ID, e.ContentHash, strconv.Itoa(e.Revision), e.Type, happened, e.Workspace, name, cmp.Or(object, e.Subject),
		start, end,
	}
	return r, nil
}

// keys are those of a first row that become columns: each once, and none of ours.
func (r *row) keys() (keys []string) {
	for _, m := range r.members {
		if m.key != more && !slices.Contains(ours, m.key) && !slices.Contains(keys, m.key) {
			keys = append(keys, m.key)
		}
	}
	return keys
}

// take is the value of a key, which then is no part of the rest.
func (r *row) take(key string) (value json.RawMessage) {
	for i := range r.members {
		if m := &r.members[i]; m.key == key && m.value != nil {
			value, m.value = m.value, nil
		}
	}
	return value
}

// rest is what was not taken, as a JSON object; empty where all was.
func (r *row) rest() string {
	var out []byte
	for _, m := range r.members {
		if m.value == nil {
			continue
		}
		key, _ := json.Marshal(m.key) // a text always can be
		out = append(append(append(append(out, ','), key...), ':'), m.value...)
	}
	if out == nil {
		return ""
	}
	out[0] = '{'
	return string(append(out, '}'))
}

// membersOf are those of a JSON object, in their order. What is none has none.
func membersOf(text json.RawMessage) (list []member) {
	in := json.NewDecoder(bytes.NewReader(text))
	if t, err := in.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for in.More() {
		var m member
		key, err := in.Token()
		if err != nil || in.Decode(&m.value) != nil {
			return list
		}
		m.key, _ = key.(string) // as every key of an object is
		list = append(list, m)
	}
	return list
}

// textOf is a value as a cell: a text as it is, null as nothing, and all else as JSON.
func textOf(value json.RawMessage) string {
	var text string
	if len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil {
		return text
	}
	if string(value) == "null" {
		return ""
	}
	return string(value)
}
