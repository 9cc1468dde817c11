package content_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	twmb "github.com/twmb/avro"

	"github.com/ciobridge/ciobridge/content/avro"
)

// orderSchema has every type, some of them twice, and refers to itself.
const orderSchema = `{
 "type": "record", "name": "Order", "namespace": "com.example", "fields": [
  {"name": "id", "type": "string"},
  {"name": "customer", "type": {"type": "record", "name": "Customer", "fields": [
    {"name": "id", "type": "long"}, {"name": "email", "type": ["null", "string"], "default": null},
    {"name": "referrer", "type": ["null", "Customer"], "default": null}]}},
  {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}},
  {"name": "tax", "type": {"type": "fixed", "name": "Tax", "size": 8, "logicalType": "decimal", "precision": 9, "scale": 3}},
  {"name": "placed", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "paid", "type": {"type": "long", "logicalType": "timestamp-micros"}},
  {"name": "born", "type": {"type": "int", "logicalType": "date"}},
  {"name": "at", "type": {"type": "int", "logicalType": "time-millis"}},
  {"name": "changed", "type": {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"}},
  {"name": "nanos", "type": {"type": "long", "logicalType": "timestamp-nanos"}},
  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "PAID"]}},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "sku", "type": "string"}, {"name": "n", "type": "int"}]}}},
  {"name": "tags", "type": {"type": "map", "values": "double"}},
  {"name": "raw", "type": "bytes"},
  {"name": "gift", "type": "boolean"},
  {"name": "weight", "type": "float"},
  {"name": "note", "type": ["null", "string", "long"]},
  {"name": "nothing", "type": "null"}
 ]}`

func order() map[string]any {
	return map[string]any{
		"id": "o\u00e91\"",
		"customer": map[string]any{
			"id": int64(9007199254740993), "email": map[string]any{"string": "a@example.com"},
			"referrer": map[string]any{
				"com.example.Customer": map[string]any{"id": int64(-1), "email": nil, "referrer": nil},
			},
		},
		"total": big.NewRat(-12345678901234567, 100), "tax": big.NewRat(1, 8),
		"placed": time.UnixMilli(1_791_194_400_123), "paid": time.UnixMicro(1_791_194_400_123_456),
		"born": time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), "at": 8*time.Hour + 30*time.Minute,
		"changed": int64(1_791_194_400_123_456), "nanos": int64(1_791_194_400_123_456_789),
		"state": "PAID", "lines": []any{map[string]any{"sku": "A", "n": 1}, map[string]any{"sku": "B", "n": -2}},
		"tags": map[string]any{"x": 1.5}, "raw": []byte{0, 255}, "gift": true, "weight": float32(0.1),
		"note": map[string]any{"long": int64(7)}, "nothing": nil,
	}
}

const orderJSON = `{"id":"oé1\"","customer":{"id":9007199254740993,"email":"a@example.com",` +
	`"referrer":{"id":-1,"email":null,"referrer":null}},"total":-123456789012345.67,"tax":0.125,` +
	`"placed":"2026-10-05T10:00:00.123Z","paid":"2026-10-05T10:00:00.123456Z","born":"1969-12-31","at":"08:30:00",` +
	`"changed":"2026-10-05T10:00:00.123456Z","nanos":"2026-10-05T10:00:00.123456789Z","state":"PAID",` +
	`"lines":[{"sku":"A","n":1},{"sku":"B","n":-2}],"tags":{"x":1.5},"raw":"AP8=","gift":true,"weight":0.1,"note":7,` +
	`"nothing":null}`

func encoded(t testing.TB) []byte {
	t.Helper()
	data, err := twmb.MustParse(orderSchema).Encode(order())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What another implementation encodes is written as JSON, with every digit.
func TestAppend(t *testing.T) {
	s, err := avro.Parse(orderSchema)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Append([]byte("x"), encoded(t))
	if err != nil || string(got) != "x"+orderJSON {
		t.Errorf("%v\n%s\n%s", err, got, orderJSON)
	}
	if !json.Valid(got[1:]) {
		t.Error("it is no JSON")
	}
}

// Every value that ends too early, or has more behind it, is refused.
func TestAppendOfTornValues(t *testing.T) {
	s, err := avro.Parse(orderSchema)
	if err != nil {
		t.Fatal(err)
	}
	data := encoded(t)
	for n := range data {
		var wrong *avro.Error
		if _, err := s.Append(nil, data[:n]); !errors.As(err, &wrong) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := s.Append(nil, append(data, 0)); err == nil || err.Error() != "1 bytes follow the value" {
		t.Error(err)
	}
}

func TestAppendSpecialValues(t *testing.T) {
	long := func(n int64) string { return string(varint(n)) }
	for _, test := range []struct{ schema, data, want string }{
		{`"double"`, "\x00\x00\x00\x00\x00\x00\xf8\x7f", `"NaN"`},
		{`"float"`, "\x00\x00\x80\x7f", `"Infinity"`},
		{`"float"`, "\x00\x00\x80\xff", `"-Infinity"`},
		{`"double"`, "\x00\x00\x00\x00\x00\x00\xf0\x3f", `1`},
		{`"long"`, long(-1 << 63), `-9223372036854775808`},
		{`{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`, "0123456789abcdef",
			`"30313233-3435-3637-3839-616263646566"`},
		{`{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`,
			"\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00", `{"months":1,"days":2,"millis":3}`},
		{`{"type":"fixed","name":"F","size":2}`, "\x00\xff", `"AP8="`},
		{`{"type":"array","items":"int"}`, long(-2) + long(2) + long(1) + long(2) + long(1) + long(3) + long(0),
			`[1,2,3]`},
		{`{"type":"map","values":"null"}`, long(1) + long(1) + "k" + long(0), `{"k":null}`},
		{`{"type":"long","logicalType":"timestamp-millis"}`, long(1 << 62), `4611686018427387904`},
		{`{"type":"record","name":"io.debezium.data.VariableScaleDecimal","fields":[{"name":"scale","type":"int"},{"name":"value","type":"bytes"}]}`,
			long(3) + long(2) + "\x01\x00", `0.256`},
		{`{"type":"record","name":"E","fields":[]}`, "", `{}`},
		{`{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}`, strings.Repeat("\x02", 60) + "\x00",
			strings.Repeat(`{"n":`, 61) + "null" + strings.Repeat("}", 61)},
	} {
		s, err := avro.Parse(test.schema)
		if err != nil {
			t.Fatalf("%s: %v", test.schema, err)
		}
		got, err := s.Append(nil, []byte(test.data))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v, want %s", test.schema, got, err, test.want)
		}
	}
}

func varint(n int64) []byte {
	u := uint64(n<<1) ^ uint64(n>>63)
	var b []byte
	for ; u >= 0x80; u >>= 7 {
		b = append(b, byte(u)|0x80)
	}
	return append(b, byte(u))
}

func TestAppendRefuses(t *testing.T) {
	long := func(n int64) string { return string(varint(n)) }
	for _, test := range []struct{ schema, data, want string }{
		{`{"type":"array","items":"null"}`, long(1<<62) + long(0), "more than 2 MiB"},
		{`{"type":"array","items":{"type":"record","name":"E","fields":[]}}`, long(-1<<63) + long(0),
			"more than 2 MiB"},
		{`{"type":"enum","name":"E","symbols":["A"]}`, long(1), "written by another schema"},
		{`["null","int"]`, long(-1), "written by another schema"},
		{`"boolean"`, "\x02", "neither true nor false"},
		{`"string"`, long(1) + "\xff", "not UTF-8"},
		{`"string"`, long(-1), "ends too early"},
		{`"bytes"`, long(1 << 62), "ends too early"},
		{`"long"`, strings.Repeat("\xff", 10) + "\x01", "more than 64 bits"},
		{`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"S","fields":[{"name":"b","type":"int"}]}}}]}`,
			long(1), ".a[].b: ends too early"},
		{`{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`, strings.Repeat("\x02", 200) +
			"\x00", "nested more than 64 deep"},
	} {
		s, err := avro.Parse(test.schema)
		if err != nil {
			t.Fatalf("%s: %v", test.schema, err)
		}
		if _, err = s.Append(nil, []byte(test.data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.schema, err, test.want)
		}
	}
}

func TestParseWithReferences(t *testing.T) {
	s, err := avro.Parse(`{"type":"record","name":"R","fields":[{"name":"a","type":"com.example.A"}]}`,
		`{"type":"enum","name":"A","namespace":"com.example","symbols":["X"]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Append(nil, []byte{0}); err != nil || string(got) != `{"a":"X"}` {
		t.Errorf("%s, %v", got, err)
	}
	for _, broken := range []string{``, `{`, `{"type":"none"}`, `"com.example.A"`, `<html>`} {
		if _, err := avro.Parse(broken); err == nil {
			t.Errorf("%q is parsed", broken)
		}
	}
}

// A name without dots is of the namespace that it stands in, or of none.
func TestParseResolvesNames(t *testing.T) {
	const w = `{"type":"enum","name":"W","symbols":["in a.b"]}`
	for _, test := range []struct{ fields, want string }{
		{`{"name":"x","type":` + w + `},{"name":"y","type":"W"},{"name":"z","type":"a.b.W"}`,
			`{"x":"in a.b","y":"in a.b","z":"in a.b"}`},
		{`{"name":"x","type":{"type":"enum","name":"W","namespace":"","symbols":["in none"]}},{"name":"y","type":"W"}`,
			`{"x":"in none","y":"in none"}`},
		{`{"name":"x","type":{"type":"record","name":"o.R","fields":[{"name":"e","type":` + w + `}]}},` +
			`{"name":"y","type":"o.W"}`, `{"x":{"e":"in a.b"},"y":"in a.b"}`},
		{`{"name":"x","type":{"type":"enum","name":"W","namespace":"","symbols":["in none"]}},{"name":"y","type":` + w +
			`},{"name":"z","type":"W"}`, `{"x":"in none","y":"in a.b","z":"in a.b"}`},
	} {
		s, err := avro.Parse(`{"type":"record","name":"V","namespace":"a.b","fields":[` + test.fields + `]}`)
		if err != nil {
			t.Errorf("%s: %v", test.fields, err)
			continue
		}
		if got, err := s.Append(nil, make([]byte, strings.Count(test.want, "in "))); string(got) != test.want {
			t.Errorf("%s: %s, %v, want %s", test.fields, got, err, test.want)
		}
	}
	_, err := avro.Parse(`{"type":"record","name":"V","namespace":"a.b","fields":[{"name":"x","type":{"type":"record",` +
		`"name":"o.R","fields":[{"name":"e","type":` + w + `}]}},{"name":"y","type":"W"}]}`)
	if err == nil {
		t.Error("a name of another namespace is found")
	}
}

// A decimal whose numbers make none is read as its bytes.
func TestParseOfUnusableDecimals(t *testing.T) {
	for numbers, want := range map[string]string{
		`"precision":4,"scale":1`: `25.6`, `"precision":4`: `256`, `"scale":1`: `"AQA="`, `"precision":0`: `"AQA="`,
		`"precision":4,"scale":5`: `"AQA="`, `"precision":4,"scale":-1`: `"AQA="`, `"precision":"4"`: `"AQA="`,
		`"precision":5`: `"AQA="`, // more than two bytes hold
	} {
		s, err := avro.Parse(`{"type":"fixed","name":"F","size":2,"logicalType":"decimal",` + numbers + `}`)
		if err != nil {
			t.Errorf("%s: %v", numbers, err)
			continue
		}
		if got, err := s.Append(nil, []byte{1, 0}); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", numbers, got, err, want)
		}
	}
}

// What other implementations take for a schema is one, where values can be read by it.
func TestParseOfForeignSchemas(t *testing.T) {
	for _, fields := range []string{
		`{"name":"a","type":["null","long"],"default":7}`,
		`{"name":"a","type":{"type":"enum","name":"E","symbols":["A-B","C"],"default":"X"}}`,
		`{"name":"a","type":"int","aliases":["b-c"],"order":"none"}`,
		`{"name":"größe","type":"int"}`,
		`{"name":"default","type":"int"}`,
		`{"name":"a","type":"int","doc":null}`,
	} {
		_, err := avro.Parse(`{"type":"record","name":"Value","namespace":"my-server.public.orders","fields":[` + fields + `]}`)
		if err != nil {
			t.Errorf("%s: %v", fields, err)
		}
	}
	if _, err := avro.Parse(`{"type":"int"} x`); err == nil {
		t.Error("what follows a schema is left out")
	}
}

// Whatever the bytes are, the output is JSON or there is an error.
func FuzzAppend(f *testing.F) {
	s, err := avro.Parse(orderSchema)
	if err != nil {
		f.Fatal(err)
	}
	data := encoded(f)
	f.Add(data)
	f.Add(data[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := s.Append(nil, data); err == nil && !json.Valid(got) {
			t.Errorf("%x becomes %s", data, got)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s, err := avro.Parse(orderSchema)
	if err != nil {
		b.Fatal(err)
	}
	data := encoded(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	var out []byte
	for b.Loop() {
		if out, err = s.Append(out[:0], data); err != nil {
			b.Fatal(err)
		}
	}
}
