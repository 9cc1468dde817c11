package mapping_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// typed writes a record of one field with a schema of some type.
func typed(schema, value string) string {
	return fmt.Sprintf(`{"schema":{"type":"struct","fields":[{"field":"id","type":"int64"},{"field":"v",%s}]},`+
		`"payload":{"id":9007199254740993,"v":%s}}`, schema, value)
}

const (
	decimal2 = `"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}`
	variable = `"type":"struct","name":"io.debezium.data.VariableScaleDecimal",` +
		`"fields":[{"type":"int32","field":"scale"},{"type":"bytes","field":"value"}]`
)

func named(name string) string { return `"type":"int64","name":"` + name + `"` }

func TestOpen(t *testing.T) {
	scale := func(s string) string { return strings.Replace(decimal2, `"scale":"2"`, `"scale":"`+s+`"`, 1) }
	for _, test := range []struct{ what, schema, value, want string }{
		{"decimal", scale("3"), `"adw="`, `27.100`},
		{"decimal below zero", decimal2, `"/w=="`, `-0.01`},
		{"decimal of nothing", decimal2, `"AA=="`, `0.00`},
		{"decimal of 8 bytes", decimal2, `"gAAAAAAAAAA="`, `-92233720368547758.08`},
		{"decimal of 16 bytes", scale("0"), `"fwAAAAAAAAAAAAAAAAAAAA=="`, `168811955464684315858783496655603761152`},
		{"decimal with a scale below zero", scale("-2"), `"adw="`, `2710000`},
		{"nothing with a scale below zero", scale("-2"), `"AA=="`, `0`},
		{"decimal as a number", decimal2, `27.1`, `27.1`},
		{"decimal, null", decimal2, `null`, `null`},
		{"decimal with its scale", variable, `{"scale":3,"value":"adw="}`, `27.100`},
		{"long decimal", scale("400"), `"AQ=="`, `"0.` + strings.Repeat("0", 399) + `1"`},
		{"date of Connect", named("org.apache.kafka.connect.data.Date"), `7305`, `"1990-01-01"`},
		{"date", named("io.debezium.time.Date"), `-1`, `"1969-12-31"`},
		{"date in year 1", named("io.debezium.time.Date"), `-719162`, `"0001-01-01"`},
		{"date after 9999", named("io.debezium.time.Date"), `2932897`, `2932897`},
		{"time", named("io.debezium.time.Time"), `1`, `"00:00:00.001"`},
		{"time of Connect", named("org.apache.kafka.connect.data.Time"), `45296000`, `"12:34:56"`},
		{"microtime", named("io.debezium.time.MicroTime"), `86399999999`, `"23:59:59.999999"`},
		{"nanotime", named("io.debezium.time.NanoTime"), `86400000000000`, `"24:00:00"`},
		{"time below zero", named("io.debezium.time.MicroTime"), `-1`, `-1`},
		{"timestamp of Connect", named("org.apache.kafka.connect.data.Timestamp"), `1791194400123`,
			`"2026-10-05T10:00:00.123Z"`},
		{"timestamp", named("io.debezium.time.Timestamp"), `-1`, `"1969-12-31T23:59:59.999Z"`},
		{"microtimestamp", named("io.debezium.time.MicroTimestamp"), `1791194400123456`,
			`"2026-10-05T10:00:00.123456Z"`},
		{"nanotimestamp", named("io.debezium.time.NanoTimestamp"), `1791194400123456789`,
			`"2026-10-05T10:00:00.123456789Z"`},
		{"infinity of PostgreSQL", named("io.debezium.time.MicroTimestamp"), `9223372036825200000`,
			`9223372036825200000`},
		{"a time that is a text already", named("io.debezium.time.Timestamp"), `"2026-10-05"`, `"2026-10-05"`},
		{"zoned", `"type":"string","name":"io.debezium.time.ZonedTimestamp"`, `"2026-10-05T10:00:00+02:00"`,
			`"2026-10-05T10:00:00+02:00"`},
		{"json", `"type":"string","name":"io.debezium.data.Json"`, `"{\"a\":1}"`, `"{\"a\":1}"`},
		{"a list of decimals", `"type":"array","items":{` + decimal2 + `}`, `[ "AQ==" , null,"Ag=="]`, `[0.01,null,0.02]`},
		{"a map of dates", `"type":"map","keys":{"type":"string"},"values":{` + named("io.debezium.time.Date") + `}`,
			`{"a":0,"\u0062":1}`, `{"a":"1970-01-01","\u0062":"1970-01-02"}`},
		{"a struct in a struct", `"type":"struct","fields":[{"field":"d","type":"string"},{"field":"e",` + decimal2 + `}]`,
			`{"\u0065":"AQ==","d":"AQ==","other":[]}`, `{"\u0065":0.01,"d":"AQ==","other":[]}`},
	} {
		t.Run(test.what, func(t *testing.T) {
			var w connect.Wrapper
			for _, form := range []string{"anew", "known"} {
				v, err := w.Open([]byte(typed(test.schema, test.value)))
				if err != nil {
					t.Fatal(form, err)
				}
				if want := `{"id":9007199254740993,"v":` + test.want + `}`; string(v.Raw) != want {
					t.Errorf("%s: got %s, want %s", form, v.Raw, want)
				}
			}
		})
	}
}

func TestOpenWithoutTypes(t *testing.T) {
	for record, want := range map[string]string{
		`{"schema":null,"payload":{"a":1}}`:                `{"a":1}`,
		`{"schema":{},"payload":[1]}`:                      `[1]`,
		`{"schema":null,"payload":null}`:                   `null`,
		` {"payload" : 7 , "schema":{"type":"int32"} } `:   `7`,
		`{"schema":{"type":"int32"},"payload":7,"more":1}`: `7`,
		`{"a":1}`:                         `{"a":1}`,
		`{"schema":"public","payload":1}`: `{"schema":"public","payload":1}`,
		`{"schema":{}}`:                   `{"schema":{}}`,
		`[1]`:                             `[1]`,
		`{"schema":{"name":"io.debezium.time.Date"},"payload":0}`: `"1970-01-01"`,
	} {
		var w connect.Wrapper
		for range 2 {
			v, err := w.Open([]byte(record))
			if err != nil || string(v.Raw) != want {
				t.Errorf("%s: got %s, %v; want %s", record, v.Raw, err, want)
			}
		}
	}
}

// TestWhatIsDecodedIsBounded gives short decimals of many digits, which would become a hundred times as long.
func TestWhatIsDecodedIsBounded(t *testing.T) {
	scale := strings.Replace(decimal2, `"scale":"2"`, `"scale":"1000"`, 1)
	values := "[" + strings.Repeat(`"AQ==",`, 100_000) + `"AQ=="]`
	var w connect.Wrapper
	_, err := w.Open([]byte(typed(`"type":"array","items":{`+scale+`}`, values)))
	var e *document.InputError
	if !errors.As(err, &e) || e.Kind != document.TooLong {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for record, want := range map[string]string{
		typed(decimal2, `"secret 1"`):                               "the column v is a decimal by its schema, and no bytes in base64",
		typed(decimal2, `""`):                                       "the column v is a decimal by its schema, and no bytes in base64",
		typed(variable, `{"scale":2}`):                              "the column v is no decimal with a usable scale",
		typed(decimal2, `"`+strings.Repeat("AAAA", 400)+`"`):        "the column v is a decimal of more than 1,000 bytes",
		typed(`"type":"array","items":{`+decimal2+`}`, `["?"]`):     "the column v is a decimal by its schema, and no bytes in base64",
		typed(strings.Replace(decimal2, `"2"`, `"x"`, 1), `"AA=="`): "the schema beside the payload has a decimal without a usable scale",
		`{"schema":{"fields":{"a":1}},"payload":1}`:                 "the schema beside the payload is none that Kafka Connect writes",
	} {
		var w connect.Wrapper
		if _, err := w.Open([]byte(record)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", record, err, want)
		}
	}
	var w connect.Wrapper
	if _, err := w.Open([]byte(typed(decimal2, `"AQ=="`))); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{`1}`, `1,"v":1`, `{"a":1,"a":2}`, ``} {
		_, err := w.Open([]byte(typed(decimal2, value)))
		var input *document.InputError
		if !errors.As(err, &input) {
			t.Errorf("%s with a known schema: got %v, want an error of the input", value, err)
		}
	}
}

// TestKnownSchemasAreBounded proves that schemas which never come back do not fill the memory, and that those which
// come back stay known.
func TestKnownSchemasAreBounded(t *testing.T) {
	var w connect.Wrapper
	record := func(i int) []byte {
		return []byte(`{"schema":{"type":"string","name":"` + strings.Repeat("n", 50_000) + strconv.Itoa(i) +
			`"},"payload":"x"}`)
	}
	known := 0
	for i := range 100 {
		if _, err := w.Open(record(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if _, s := w.Known(record(i)); s != nil {
			known++
		}
	}
	if known == 0 || known > 20 {
		t.Errorf("%d schemas of 50 KB are known, want those of 1 MiB", known)
	}
	if _, s := w.Known(record(99)); s == nil {
		t.Error("the last schema is not known")
	}
}

// TestManyFieldsInAnyOrder proves that a payload whose members stand in another order than the fields of its schema
// does not cost the square of their number.
func TestManyFieldsInAnyOrder(t *testing.T) {
	var fields, members []string
	for i := range 15_000 {
		fields = append(fields, fmt.Sprintf(`{"field":"f%05d","name":"io.debezium.time.Date"}`, i))
		members = append(members, fmt.Sprintf(`"f%05d":1`, 14_999-i))
	}
	record := []byte(`{"schema":{"fields":[` + strings.Join(fields, ",") + `]},"payload":{` +
		strings.Join(members, ",") + `}}`)
	var w connect.Wrapper
	began := time.Now()
	v, err := w.Open(record)
	if err != nil || !strings.HasPrefix(string(v.Raw), `{"f14999":"1970-01-02",`) {
		t.Fatalf("%.100s, %v", v.Raw, err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestKnownSchemasAllocateNothing(t *testing.T) {
	record := []byte(typed(decimal2, `"adw="`))
	var w connect.Wrapper
	if _, err := w.Open(record); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = w.Open(record) }); n > 0 {
		t.Errorf("%v allocations for a record whose schema is known", n)
	}
}

// slowDecode is what Open must give, by way of the packages json, big and time.
func slowDecode(schema, v any) any {
	s, _ := schema.(map[string]any)
	switch name, _ := s["name"].(string); name {
	case "org.apache.kafka.connect.data.Decimal":
		if text, ok := v.(string); ok {
			parameters, _ := s["parameters"].(map[string]any)
			scale, _ := strconv.Atoi(parameters["scale"].(string))
			return slowDecimal(text, scale)
		}
		return v
	case "io.debezium.data.VariableScaleDecimal":
		if m, ok := v.(map[string]any); ok {
			scale, _ := m["scale"].(json.Number).Int64() // Open refuses all others
			return slowDecimal(m["value"].(string), int(scale))
		}
		return v
	case "io.debezium.time.Date":
		return slowTime(v, 86400*1e9, time.DateOnly)
	case "io.debezium.time.Timestamp":
		return slowTime(v, 1e6, time.RFC3339Nano)
	case "io.debezium.time.MicroTimestamp":
		return slowTime(v, 1e3, time.RFC3339Nano)
	case "io.debezium.time.NanoTimestamp":
		return slowTime(v, 1, time.RFC3339Nano)
	}
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			of := s["values"]
			fields, _ := s["fields"].([]any)
			for _, f := range fields {
				if f.(map[string]any)["field"] == key {
					of = f
				}
			}
			v[key] = slowDecode(of, v[key])
		}
	case []any:
		for i := range v {
			v[i] = slowDecode(s["items"], v[i])
		}
	}
	return v
}

func slowDecimal(text string, scale int) any {
	b, _ := base64.StdEncoding.DecodeString(text)
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Exp(big.NewInt(256), big.NewInt(int64(len(b))), nil))
	}
	out := new(big.Rat).SetInt(n)
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil)
	if scale < 0 {
		out.Mul(out, new(big.Rat).SetInt(ten))
	} else {
		out.Quo(out, new(big.Rat).SetInt(ten))
	}
	written := out.FloatString(max(scale, 0))
	if len(strings.TrimPrefix(new(big.Int).Abs(n).String(), "-"))+max(scale, -scale) > 300 {
		return written
	}
	return json.Number(written)
}

func slowTime(v any, unit int64, layout string) any {
	number, ok := v.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	if !ok || err != nil {
		return v
	}
	ns := new(big.Int).Mul(big.NewInt(n), big.NewInt(unit))
	seconds, rest := new(big.Int).DivMod(ns, big.NewInt(1e9), new(big.Int))
	if !seconds.IsInt64() || seconds.Int64() > 253402300799 || seconds.Int64() < -62167219200 {
		return v
	}
	return time.Unix(seconds.Int64(), rest.Int64()).UTC().Format(layout)
}

var fuzzTypes = []string{
	decimal2, variable, named("io.debezium.time.Date"), named("io.debezium.time.Timestamp"),
	named("io.debezium.time.MicroTimestamp"), named("io.debezium.time.NanoTimestamp"), `"type":"string"`,
}

// FuzzDecode holds decoding to what the slow way gives: the same values, numbers to the last digit.
func FuzzDecode(f *testing.F) {
	for i := range fuzzTypes {
		for _, value := range []string{`"adw="`, `7305`, `-1`, `null`, `{"scale":2,"value":"AQ=="}`, `["/w==",1,{}]`,
			`{"\u0061":"gAAAAAAAAAAA"}`, `{"v":["AQ==",{"\u0076":2}]}`, `9223372036825200000`} {
			f.Add(uint8(i), int16(2), value)
			f.Add(uint8(i), int16(-300), value)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint8, scale int16, value string) {
		text := strings.Replace(fuzzTypes[int(typ)%len(fuzzTypes)], `"scale":"2"`,
			`"scale":"`+strconv.Itoa(int(scale))+`"`, 1)
		for _, schema := range []string{text, `"type":"array","items":{` + text + `}`,
			`"type":"map","values":{` + text + `}`,
			`"type":"struct","fields":[{"field":"v","type":"array","items":{` + text + `}},{"field":"w",` + text + `}]`} {
			record := typed(schema, value)
			var w connect.Wrapper
			v, err := w.Open([]byte(record))
			if err != nil {
				continue
			}
			var whole struct{ Schema, Payload any }
			decode(t, record, &whole)
			var got any
			decode(t, string(v.Raw), &got)
			if want := slowDecode(whole.Schema, whole.Payload); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s became %s, want %v", record, v.Raw, want)
			}
		}
	})
}

// FuzzOpen gives any bytes: what is taken becomes strict JSON, and a schema that is known changes nothing.
func FuzzOpen(f *testing.F) {
	for _, schema := range fuzzTypes {
		f.Add(typed(schema, `"adw="`))
		f.Add(typed(`"type":"array","items":{`+schema+`}`, `[{"scale":1,"value":"AQ=="},1]`))
	}
	f.Add(`{"payload":1,"schema":{"fields":[{"values":{"items":{}}}]}}`)
	f.Fuzz(func(t *testing.T, record string) {
		var w, fresh connect.Wrapper
		v, err := w.Open([]byte(record))
		got := string(v.Raw)
		again, errAgain := w.Open([]byte(record))
		if fmt.Sprint(err) != fmt.Sprint(errAgain) || got != string(again.Raw) {
			t.Fatalf("gave %s, %v, and with a known schema %s, %v", got, err, again.Raw, errAgain)
		}
		if err != nil {
			return
		}
		var d document.Document
		places := document.NewPlaces()
		places.Seal()
		if err := d.Parse(places, []byte(got)); err != nil {
			t.Fatalf("made %s, which is not strict JSON: %v", got, err)
		}
		if strict := `{"schema":null,"payload":` + got + `}`; len(strict) <= document.MaxDocument {
			if plain, err := fresh.Open([]byte(strict)); err == nil && string(plain.Raw) != got {
				t.Fatalf("%s became %s", strict, plain.Raw)
			}
		}
	})
}

func decode(t *testing.T, text string, into any) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}
