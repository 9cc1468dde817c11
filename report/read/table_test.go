package read

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// rowsOf reads a file to its end, a line for each row.
func rowsOf(r io.Reader) (rows []string, largest int, err error) {
	t := newTable(r)
	for {
		fields, line, err := t.next()
		largest = max(largest, cap(t.held))
		var malformed *rowError
		switch {
		case errors.Is(err, io.EOF):
			return rows, largest, nil
		case errors.As(err, &malformed):
			rows = append(rows, fmt.Sprintf("%d! %s: %.20s", line, malformed.detail, malformed.text))
		case err != nil:
			return rows, largest, err
		default:
			if t.columns == 0 {
				t.columns = len(fields)
			}
			rows = append(rows, fmt.Sprintf("%d %q", line, fields))
		}
	}
}

// A row that cannot be read is told with the number of its line, and takes no other with it.
func TestTable(t *testing.T) {
	long, wide := strings.Repeat("x", maxRecord+10), strings.Repeat("3", 1021)+",4\n"
	for _, c := range []struct {
		is, file string
		want     []string
	}{
		{"empty", "", nil},
		{"one line without an end", "a,b", []string{`1 ["a" "b"]`}},
		{"empty lines and carriage returns", "a,b\r\n\r\n\n1,\r\n", []string{`1 ["a" "b"]`, `4 ["1" ""]`}},
		{"quotes", "a,b\n\"x,\"\"y\"\"\",\"\"\n\"\"\"\",z\n", []string{`1 ["a" "b"]`, `2 ["x,\"y\"" ""]`, `3 ["\"" "z"]`}},
		{"a field of several lines", "a,b\n\"1\n\n2\",3\n4,5\n", []string{`1 ["a" "b"]`, `2 ["1\n\n2" "3"]`, `5 ["4" "5"]`}},
		{"too few and too many fields", "a,b\n1\n1,2,3\n1,2\n", []string{`1 ["a" "b"]`,
			"2! has 1 fields, and the header has 2: 1", "3! has 3 fields, and the header has 2: 1,2,3", `4 ["1" "2"]`}},
		{"a quote in a field", "a,b\n1,5\" tall\n1,2\n", []string{`1 ["a" "b"]`,
			`2! has a quote that is not closed: 1,5" tall`, `3 ["1" "2"]`}},
		{"quotes in two lines", "a,b\n1,5\" tall\n1,6\" tall\n1,2\n", []string{`1 ["a" "b"]`,
			`2! has a quote in the middle of a field: 1,5" tall`,
			`3! has a quote that is not closed: 1,6" tall`, `4 ["1" "2"]`}},
		{"text behind a quote", "a,b\n\"1\"x,2\n1,2\n", []string{`1 ["a" "b"]`,
			`2! has text behind a quote that closes a field: "1"x,2`, `3 ["1" "2"]`}},
		{"a quote that is never closed", "a,b\n\"1,2\n3,4\n5,6", []string{`1 ["a" "b"]`,
			`2! has a quote that is not closed: "1,2`, `3 ["3" "4"]`, `4 ["5" "6"]`}},
		{"no UTF-8", "a,b\n\xff,2\n1,2\n", []string{`1 ["a" "b"]`, "2! is not UTF-8: \xff,2", `3 ["1" "2"]`}},
		{"a line that is too long", "a,b\n" + long + ",2\n1,2\n", []string{`1 ["a" "b"]`,
			"2! is longer than 1048576 bytes: xxxxxxxxxxxxxxxxxxxx", `3 ["1" "2"]`}},
		{"the last line is too long", "a,b\n" + long, []string{`1 ["a" "b"]`,
			"2! is longer than 1048576 bytes: xxxxxxxxxxxxxxxxxxxx"}},
		{"a quote that is not closed for a long time", "a,b\n\"1,2\n" + strings.Repeat(wide, maxRecord>>10) + "5,6\n",
			nil},
	} {
		for name, r := range map[string]io.Reader{
			"at once": strings.NewReader(c.file), "byte by byte": iotest.OneByteReader(strings.NewReader(c.file)),
		} {
			if len(c.file) > maxRecord && name != "at once" {
				continue
			}
			rows, largest, err := rowsOf(r)
			if c.want == nil && c.file != "" {
				if len(rows) != maxRecord>>10+3 || rows[1] != `2! has a quote that is not closed: "1,2` {
					t.Errorf("%s, %s: %d rows", c.is, name, len(rows))
				}
			} else if fmt.Sprint(rows) != fmt.Sprint(c.want) || err != nil {
				t.Errorf("%s, %s: %q, want %q, %v", c.is, name, rows, c.want, err)
			}
			if largest > 4*maxRecord {
				t.Errorf("%s, %s: %d bytes are held", c.is, name, largest)
			}
		}
	}
	broken := io.MultiReader(strings.NewReader("a,b\n1,2\n3,"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if rows, _, err := rowsOf(broken); len(rows) != 2 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("of a file that breaks off: %q, %v", rows, err)
	}
}

// FuzzTable proves that what the standard library reads is read the same, and that no row of a file is lost behind one
// that cannot be read.
func FuzzTable(f *testing.F) {
	f.Add([]byte("a,b\n\"x\",\"y\"\"z\"\r\n1,2"))
	f.Add([]byte("a\n\"\n\n"))
	f.Add([]byte("\"\r\n\",\n\"a\"b\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		table := newTable(bytes.NewReader(file))
		var got [][]string
		malformed := 0
		for {
			fields, line, err := table.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if line < 1 || line > bytes.Count(file, []byte{'\n'})+1 {
				t.Fatalf("line %d", line)
			}
			if err != nil {
				malformed++
				continue
			}
			var row []string
			for _, field := range fields {
				// the standard library makes one line break of the two kinds
				row = append(row, strings.ReplaceAll(string(field), "\r\n", "\n"))
			}
			got = append(got, row)
		}
		if bytes.Count(file, []byte{'\r'}) != bytes.Count(file, []byte("\r\n")) {
			return // of a carriage return by itself we make no difference between a line and its end
		}
		r := csv.NewReader(bytes.NewReader(file))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err == nil && malformed == 0 && fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("%q, want %q", got, want)
		}
		if err == nil && malformed > 0 && bytes.Equal(file, bytes.ToValidUTF8(file, nil)) {
			t.Errorf("%d rows cannot be read: %q", malformed, want)
		}
	})
}
