package mapping_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/record"
)

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func deflated(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstandard(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// streamed is zstd as it is written bit by bit, by somebody who does not know the length.
func streamed(b []byte) []byte {
	var out bytes.Buffer
	w, _ := zstd.NewWriter(&out, zstd.WithWindowSize(8<<20))
	w.Write(b[:1])
	w.Flush()
	w.Write(b[1:])
	w.Close()
	return out.Bytes()
}

func quoted(b []byte) []byte {
	text, _ := json.Marshal(string(b))
	return text
}

func base64Of(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }

func base64URLOf(b []byte) []byte { return []byte(base64.RawURLEncoding.EncodeToString(b)) }

func utf16Of(order binary.AppendByteOrder, mark bool) func([]byte) []byte {
	return func(b []byte) []byte {
		var out []byte
		if mark {
			out = order.AppendUint16(out, 0xfeff)
		}
		for _, unit := range utf16.Encode([]rune(string(b))) {
			out = order.AppendUint16(out, unit)
		}
		return out
	}
}

var wrappings = map[string]func([]byte) []byte{
	"gzip": zipped, "zlib": deflated, "zstd": zstandard, "zstd of a stream": streamed,
	"JSON text": quoted, "base64": base64Of,
	"base64 for URLs":             base64URLOf,
	"NUL":                         func(b []byte) []byte { return append(slices.Clone(b), 0) },
	"a mark":                      func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) },
	"UTF-16":                      utf16Of(binary.LittleEndian, true),
	"UTF-16 big-endian":           utf16Of(binary.BigEndian, true),
	"UTF-16 unmarked":             utf16Of(binary.LittleEndian, false),
	"UTF-16 big-endian, unmarked": utf16Of(binary.BigEndian, false),
}

// Whatever wraps a document is taken off, also where something else wraps that. Text wraps only text.
func TestWrappingsAreTakenOff(t *testing.T) {
	document := []byte(`{"type":"signup","name":"Zoë 👋 \" \\","list":[1,2,3]}`)
	var o record.Opener
	check := func(name string, value []byte) {
		t.Helper()
		got, err := o.Open(value)
		if err != nil || string(bytes.TrimSpace(got)) != string(document) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	check("nothing", document)
	check("blanks", append([]byte("\n "), document...))
	for outer, wrap := range wrappings {
		check(outer, wrap(document))
		for inner, first := range wrappings {
			isText := inner == "JSON text" || strings.HasPrefix(inner, "base64")
			switch {
			case outer == "JSON text" && !isText && inner != "NUL" && inner != "a mark",
				strings.HasPrefix(outer, "UTF-16") && !isText,
				strings.HasSuffix(outer, "unmarked") && strings.HasPrefix(inner, "base64"),
				outer == "NUL" && !isText:
				continue // bytes are not in a text
			}
			check(inner+" in "+outer, wrap(first(document)))
		}
	}
	check("base64 of gzip of JSON text in gzip", zipped(base64Of(zipped(quoted(document)))))
}

// What wraps nothing stays as it is: a string is a document, too.
func TestWhatWrapsNothingStays(t *testing.T) {
	var o record.Opener
	for _, text := range []string{`"hello"`, `"1234"`, `"aGVsbG8gd29ybGQ="`, `hello`, `12`, `null`, ``, ` `, `"`, `"\ud800"`, "\x00"} {
		if got, err := o.Open([]byte(text)); err != nil || string(got) != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}

func TestWhatComesOutIsBounded(t *testing.T) {
	bomb := bytes.Repeat([]byte{' '}, 1<<20+1)
	deep := []byte(`{}`)
	for range 9 {
		deep = zipped(deep)
	}
	var o record.Opener
	for name, c := range map[string]struct {
		value   []byte
		tooLong bool
	}{
		"gzip": {zipped(bomb), true}, "zlib": {deflated(bomb), true}, "zstd": {zstandard(bomb), true},
		"zstd of a stream": {streamed(bomb), true}, "a longer one": {streamed(bytes.Repeat(bomb, 9)), true},
		"UTF-16":           {utf16Of(binary.LittleEndian, true)(bomb), true},
		"gzip in gzip":     {zipped(zipped(bomb)), true},
		"wrapped 9 times":  {deep, false},
		"half of a gzip":   {zipped([]byte(`{"a":"b"}`))[:20], false},
		"half of a zstd":   {zstandard([]byte(`{"a":"b"}`))[:9], false},
		"a wrong checksum": {append(zipped([]byte(`{"a":"b"}`))[:29-8], 1, 2, 3, 4, 5, 6, 7, 8), false},
		"odd UTF-16":       {[]byte("{\x00}\x00\x00"), false},
	} {
		_, err := o.Open(c.value)
		var e *record.Error
		if !errors.As(err, &e) || e.TooLong != c.tooLong {
			t.Errorf("%s: %v", name, err)
		}
	}
	fits := append([]byte(`{}`), bytes.Repeat([]byte{' '}, 1<<20-2)...)
	for _, wrap := range []func([]byte) []byte{zipped, deflated, zstandard, streamed} {
		if got, err := o.Open(wrap(fits)); err != nil || len(got) != 1<<20 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

// TestBase64WithinBase64 gives a text that is in base64 again and again and ends in nothing: to look into it must not
// take the longer the deeper it goes.
func TestBase64WithinBase64(t *testing.T) {
	text := []byte("xyzw")
	for range 40 {
		text = base64Of(text)
	}
	var o record.Opener
	if got, err := o.Open(text); err != nil || !bytes.Equal(got, text) {
		t.Errorf("got %d bytes, %v; want the text as it is", len(got), err)
	}
	if got := record.Form(text); got != "" {
		t.Errorf("it looks like %q, want nothing", got)
	}
}

func TestForm(t *testing.T) {
	document := []byte(`{"type":"signup"}`)
	for name, c := range map[string]struct {
		value string
		want  string
	}{
		"gzip":             {string(zipped(document)), "gzip; envelope: {from: .} reads it"},
		"zstd":             {string(zstandard(document)), "zstd; envelope: {from: .}"},
		"zlib":             {string(deflated(document)), "zlib; envelope: {from: .}"},
		"UTF-16":           {string(utf16Of(binary.LittleEndian, true)(document)), "UTF-16; envelope: {from: .}"},
		"mark":             {"\xef\xbb\xbf{}", "a byte order mark; envelope: {from: .}"},
		"NUL":              {"{\"a\":1}\x00", "NUL bytes behind it; envelope: {from: .}"},
		"base64":           {string(base64Of(document)), "base64; envelope: {from: .}"},
		"lines":            {"{\"a\":1}\n{\"a\":2}\n", "on each line; envelope: {each: .}"},
		"registry, JSON":   {"\x00\x00\x00\x00\x07{}", "with schema 7; content: json_schema"},
		"registry, Avro":   {"\x00\x00\x00\x01\x00\x02\x04hi", "with schema 256; content: avro, protobuf"},
		"Avro file":        {"Obj\x01\x04\x14avro.codec", "a file of Avro; no setting"},
		"Avro object":      {"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08\x09", "an Avro object"},
		"Parquet":          {"PAR1\x15\x04", "Parquet"},
		"CBOR":             {"\xa1\x64type\x66signup", "CBOR"},
		"CBOR, indefinite": {"\xbf\x64type\x66signup\xff", "CBOR"},
		"MessagePack":      {"\x81\xa4type\xa6signup", "MessagePack"},
		"MessagePack map":  {"\xde\x00\x10\xa4type\xa6signup", "MessagePack"},
		"BSON":             {"\x16\x00\x00\x00\x02type\x00\x07\x00\x00\x00signup\x00\x00"[:22], "BSON"},
		"Protobuf":         {"\x0a\x06signup\x10\xac\x02\x1a\x02\xff\xfe", "Protobuf"},
		"Protobuf text":    {"\x0a\x06signup", "Protobuf"},
		"XML":              {"<event type='signup'/>", "XML"},
		"form":             {"type=signup&user=u%201", "an encoded form"},
		"Python":           {"{'type': 'signup'}", "single quotes"},
		"Java":             {"\xac\xed\x00\x05sr", "Java"},
		"snappy":           {"\xff\x06\x00\x00sNaPpY", "snappy"},
		"lz4":              {"\x04\x22\x4d\x18ab", "lz4"},
		"noise":            {"\xf5\xff\xfe\xff", "no text"},
		"broken JSON":      {`{"type":`, ""},
		"a pretty text":    {"{\n  \"a\": 1,\n  \"b\": {\"c\": 2},\n", ""},
		"words":            {"hello world", ""},
		"equals":           {"a == b", ""},
		"nothing":          {"", ""},
	} {
		if got := record.Form([]byte(c.value)); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestItems(t *testing.T) {
	for text, c := range map[string]struct {
		names []string
		want  []string // nil for not ok
	}{
		`[{"a":1}, {"a":1,"a":2} ,tru,"x,]" ,[1,[2]],{"b":"\"]"}]`: {nil,
			[]string{`{"a":1}`, `{"a":1,"a":2}`, `tru`, `"x,]"`, `[1,[2]]`, `{"b":"\"]"}`}},
		` [ ] `:                             {nil, []string{}},
		`{"x":"[","r":{"s":[1,{]}]},"y":2}`: {[]string{"r", "s"}, nil},
		`{"x":"[","r":{"s":[1,{}]},"y":2}`:  {[]string{"r", "s"}, []string{"1", "{}"}},
		`[1,2`:                              {nil, nil},
		`["a]`:                              {nil, nil},
		`{"r":1}`:                           {[]string{"r"}, nil},
		`{"q":[1]}`:                         {[]string{"r"}, nil},
	} {
		items, start, end, ok := record.Items([]byte(text), c.names)
		if ok != (c.want != nil) {
			t.Errorf("%s: %q, ok is %t", text, items, ok)
			continue
		}
		var got []string
		for _, item := range items {
			got = append(got, string(item))
		}
		if ok && (!slices.Equal(got, c.want) || text[start] != '[' || text[end-1] != ']') {
			t.Errorf("%s: %q from %d to %d", text, got, start, end)
		}
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string]int{
		"{}\n{}":           2,
		"{}\r\n\r\n{}\r\n": 2,
		"\x1e{}\n\x1e[]\n": 2,
		"{}\n{\"a\":\n{}":  3,
		"{}":               0,
		"{\n\"a\":1\n}":    0,
		"[\n{},\n{}\n]":    0,
		"hello\nworld":     0,
	} {
		if got := record.Lines([]byte(text)); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestEmpty(t *testing.T) {
	header := func(key, value string) []event.Header { return []event.Header{{Key: key, Value: []byte(value)}} }
	for _, c := range []struct {
		subject string
		headers []event.Header
		value   []byte
		want    string
	}{
		{"", nil, nil, "tombstone"},
		{"", nil, []byte{}, "empty"},
		{"", nil, []byte(" \n"), "empty"},
		{"", nil, []byte(" null\n"), "null"},
		{"", nil, []byte(`{}`), ""},
		{"", nil, []byte(`0`), ""},
		{"", header("KV-Operation", "DEL"), []byte(`{}`), ""},
		{"$KV.b.k", header("KV-Operation", "DEL"), []byte{}, "delete"},
		{"$KV.b.k", header("KV-Operation", "PURGE"), []byte{}, "purge"},
		{"$KV.b.k", header("KV-Operation", "PUT"), []byte(`{}`), ""},
		{"s", header("Nats-Marker-Reason", "MaxAge"), []byte{}, "expire"},
		{"s", header("Nats-Marker-Reason", "Purge"), []byte{}, "purge"},
		{"s", header("Nats-Marker-Reason", "Remove"), []byte{}, "delete"},
	} {
		m := event.Message{Origin: event.Origin{Subject: c.subject}, Headers: c.headers, Value: c.value}
		if got := record.Empty(&m, m.Value, "it"); got.Operation != c.want || (got.Detail == "") != (c.want == "") {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// Foreign bytes never make an opener fail in another way than by an error, nor give more than a document may have.
func FuzzRecordOpen(f *testing.F) {
	for _, wrap := range wrappings {
		f.Add(wrap([]byte(`[{"type":"signup"},{"type":"login","at":1}]`)))
	}
	f.Add([]byte("\x00\x00\x00\x00\x07{}"))
	f.Add([]byte("{}\n{}"))
	var o record.Opener
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		got, err := o.Open(value)
		if err == nil && len(got) > max(len(value), 1<<20) {
			t.Errorf("%d bytes of %d", len(got), len(value))
		}
		record.Form(value)
		record.Lines(value)
		if items, start, end, ok := record.Items(value, nil); ok {
			if value[start] != '[' || value[end-1] != ']' {
				t.Errorf("%q has items from %d to %d", value, start, end)
			}
			if json.Valid(value) {
				var want []json.RawMessage
				if json.Unmarshal(value, &want) != nil || len(want) != len(items) {
					t.Errorf("%q has %d items, found %d", value, len(want), len(items))
				}
			}
		}
		record.Items(value, []string{"a", "b"})
		if !bytes.Equal(before, value) {
			t.Error("the value was changed")
		}
	})
}
