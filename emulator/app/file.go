package app

import (
	"bufio"
	"encoding/csv"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// FilePath is where the files of exports are, each as ID.csv.
const FilePath = "/_emulator/exports/"

// files are the contents of exports, by the same ids.
const files = "exports/files"

// file is the content of an export: the rows of the workspace as they were when it was asked for, or made-up ones,
// which are made when they are read.
type file struct {
	lines     []string // each with its line feed; nil where they are made up
	kind      string
	rows      int   // beside the names of the columns
	malformed []int // lines, from 1
}

func newFile(kind string, rows [][]string, plan workspace.Exports) *file {
	f := &file{kind: kind, rows: len(rows) - 1, malformed: plan.Malformed}
	if plan.Rows > 0 || plan.Bytes > 0 {
		f.rows = plan.Rows
		if row := int64(len(madeUp[kind])); plan.Bytes > 0 {
			f.rows = int((plan.Bytes - int64(len(madeUpColumns[kind])) + row - 1) / row)
		}
		return f
	}
	for _, row := range rows {
		var b strings.Builder
		w := csv.NewWriter(&b)
		_ = w.Write(row) // into memory, which takes all
		w.Flush()
		f.lines = append(f.lines, b.String())
	}
	return f
}

// madeUpColumns are the first lines of made-up files.
var madeUpColumns = map[string]string{
	"customers":  "id,email,cio_id,name,plan\n",
	"deliveries": "delivery_id,customer_id,recipient,subject," + strings.Join(series, ",") + "\n",
}

// madeUp are the further lines of made-up files. The number of the row takes the place of zero, whose digits are as
// many in each row, so that all rows have the same length.
var madeUp = map[string]string{
	"customers": "c_" + zero + ",c_" + zero + "@example.com,em_" + zero + ",\"Doe, Jo\",pro\n",
	"deliveries": "dl_" + zero + ",c_" + zero + ",c_" + zero + "@example.com,\"Hello, you\"" +
		madeUpMetrics() + "\n",
}

const zero = "000000000"

func madeUpMetrics() string {
	var b strings.Builder
	for _, metric := range series {
		b.WriteByte(',')
		switch metric {
		case "attempted", "created", "delivered", "sent":
			b.WriteString("1700000000")
		}
	}
	return b.String()
}

// number writes the number of the row into a made-up one.
func (f *file) number(row []byte, n int) []byte {
	template := madeUp[f.kind]
	row = append(row[:0], template...)
	var digits [len(zero)]byte
	for i := len(zero) - 1; i >= 0; i, n = i-1, n/10 {
		digits[i] = '0' + byte(n%10)
	}
	for rest, at := template, 0; ; {
		i := strings.Index(rest, "_"+zero)
		if i < 0 {
			break
		}
		copy(row[at+i+1:], digits[:])
		at, rest = at+i+1+len(zero), rest[i+1+len(zero):]
	}
	return row
}

// malformedLine is no CSV: text stands behind a quoted value.
const malformedLine = "\"broken\"by the emulator\n"

// writeTo writes the file, of which it holds one part after another.
func (f *file) writeTo(to io.Writer) error {
	w := bufio.NewWriterSize(to, 64<<10)
	var row []byte
	for n := range f.rows + 1 {
		switch {
		case slices.Contains(f.malformed, n+1):
			row = append(row[:0], malformedLine...)
		case f.lines != nil:
			row = append(row[:0], f.lines[n]...)
		case n == 0:
			row = append(row[:0], madeUpColumns[f.kind]...)
		default:
			row = f.number(row, n)
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return w.Flush()
}

// ReadFile finds out which file of an export is asked for. Without a time at which it expires, as the API adds it to
// the link, a file is there for ever.
func ReadFile(x *exchange.Exchange, r *http.Request, _ bool) {
	id, isCSV := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, FilePath), ".csv")
	expires, err := strconv.ParseInt(r.URL.Query().Get("expires"), 10, 64)
	x.Serve = func(w *workspace.Workspace, now time.Time) exchange.Answer {
		kept, is := w.Records(files).Get(id)
		switch {
		case !isCSV, !is:
			x.Refusal = "no such file"
			return Error(http.StatusNotFound, "there is no such file")
		case err == nil && now.Unix() >= expires:
			x.Refusal = "the link has expired"
			return exchange.Answer{Status: http.StatusForbidden, Body: "<Error><Code>ExpiredToken</Code></Error>\n",
				Header: http.Header{"Content-Type": {"application/xml"}}}
		}
		f, _ := kept["file"].(*file)
		return exchange.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/csv; charset=utf-8"}},
			Stream: f.writeTo}
	}
}
