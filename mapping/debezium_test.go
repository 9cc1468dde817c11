package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/connect"
	"github.com/ciobridge/ciobridge/mapping/debezium"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// standard is the placeholder of Debezium's own.
var standard = debezium.NewPlaceholder("")

// TestRead reads the records of testdata: NAME.json, with perhaps NAME.key, NAME.headers and NAME.topic beside it.
// What they tell is in the archive's last file.
func TestRead(t *testing.T) {
	for _, name := range []string{"postgres", "flat", "mongodb", "others"} {
		t.Run(name, func(t *testing.T) {
			path := "debezium/testdata/" + name + ".txtar"
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := &archive.Files[len(archive.Files)-1]
			if want.Name != "want" {
				t.Fatal("the last file must be want")
			}
			got := tellAll(archive)
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
		})
	}
}

func tellAll(archive *txtar.Archive) string {
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = strings.TrimSpace(string(f.Data))
	}
	var out strings.Builder
	r := &debezium.Reader{}
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".json")
		if !ok {
			continue
		}
		m := event.Message{Origin: event.Origin{Topic: "srv.public.customers"}, Value: f.Data}
		if topic := files[name+".topic"]; topic != "" {
			m.Origin.Topic = topic
		}
		if key := files[name+".key"]; key != "" {
			m.Key = []byte(key)
		}
		for line := range strings.Lines(files[name+".headers"]) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			m.Headers = append(m.Headers, event.Header{Key: key, Value: []byte(value)})
		}
		fmt.Fprintf(&out, "== %s\n", name)
		tell(&out, r, &m)
	}
	return out.String()
}

func tell(out *strings.Builder, r *debezium.Reader, m *event.Message) {
	c, err := r.Read(m, m.Value, standard)
	if err != nil {
		fmt.Fprintf(out, "! %T %s\n", err, err)
		return
	}
	fmt.Fprintf(out, "%s %d\n%s\n%s\n", c.Type, c.Time, c.Row, r.AppendChange(nil))
}

func TestPlaceholders(t *testing.T) {
	for _, test := range []struct{ placeholder, after, want string }{
		{"", `{"a":"__debezium_unavailable_value","b":1}`, `{"b":1}`},
		{"", `{"b":1,"a":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="}`, `{"b":1}`},
		{"", `{"a":["__debezium_unavailable_value"]}`, `{}`},
		{"", `{"a":[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]}`,
			`{}`},
		{"", `{"a":{"__debezium_unavailable_value":"__debezium_unavailable_value"}}`, `{}`},
		{"", `{"a":"{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}"}`, `{}`},
		{"", `{"a":"about __debezium_unavailable_value","b":[1]}`, `{"a":"about __debezium_unavailable_value","b":[1]}`},
		{"", `{"a":["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="],"b":["b68a35a7-17ad-35b3-af2a-ae46edb4545a"],"c":1}`,
			`{"c":1}`},
		{"ab", `{"a":[97.0,98.0],"b":["YQ==","Yg=="],"c":[{"scale":0,"value":"YQ=="},{"scale":0,"value":"Yg=="}],` +
			`"d":[97.0],"e":["YQ=="]}`, `{"d":[97.0],"e":["YQ=="]}`},
		{"gone", `{"a":"gone","b":"Z29uZQ==","c":["gone"],"d":[103,111,110,101],"e":"__debezium_unavailable_value"}`,
			`{"e":"__debezium_unavailable_value"}`},
		{`a"ö`, `{"a":"a\"ö","d":[97,34,-61,-74],"e":1}`, `{"e":1}`},
	} {
		r := &debezium.Reader{}
		unavailable := debezium.NewPlaceholder(test.placeholder)
		for _, value := range []string{
			`{"op":"u","before":null,"after":` + test.after + `,"source":{"table":"t"}}`,
			`{"schema":{"type":"struct"},"payload":{"op":"u","after":` + test.after + `,"source":{"table":"t"}}}`,
			test.after,
			strings.TrimSuffix(test.after, "}") + `,"__op":"u"}`,
		} {
			c, err := r.Read(&event.Message{Origin: event.Origin{Topic: "t"}}, []byte(value), unavailable)
			if err != nil || string(c.Row) != test.want || string(c.Type) != "t.upsert" {
				t.Errorf("%s: got %s, %s, %v; want %s", value, c.Type, c.Row, err, test.want)
			}
		}
	}
}

func TestTombstone(t *testing.T) {
	r := &debezium.Reader{}
	for range 2 { // also after another record
		m := event.Message{Origin: event.Origin{Topic: "srv.public.customers"},
			Key:     []byte(`{"schema":{"type":"struct"},"payload":{"id":7}}`),
			Headers: []event.Header{{Key: "__source_ts_ms", Value: []byte("1791194400123")}}}
		c := r.Tombstone(&m)
		got := fmt.Sprintf("%s %d %s %s", c.Type, c.Time, c.Row, r.AppendChange(nil))
		if want := `customers.delete 1791194400123 {"id":7} ` +
			`{"table":"customers","op":"d","before":null,"source":{},"key":{"id":7}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if _, err := r.Read(&m, []byte(`{"id":8,"__lsn":5}`), standard); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKnownRecordsAllocateNothing proves that a record whose schema is known costs no allocation, whether its row has
// to be decoded or not.
func TestKnownRecordsAllocateNothing(t *testing.T) {
	archive, err := txtar.ParseFile("debezium/testdata/postgres.txtar")
	if err != nil {
		t.Fatal(err)
	}
	r := &debezium.Reader{}
	m := event.Message{Origin: event.Origin{Topic: "srv.public.customers"}}
	value := archive.Files[0].Data
	read := func() {
		if _, err := r.Read(&m, value, standard); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if n := testing.AllocsPerRun(100, read); n > 0 {
		t.Errorf("%v allocations for a record whose schema is known", n)
	}
}

// FuzzRead gives any bytes as value, key and header: nothing panics, rows and changes are strict JSON, and what was
// read before changes nothing.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"postgres", "flat", "mongodb", "others"} {
		archive, err := txtar.ParseFile("debezium/testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		key := []byte(`{"schema":null,"payload":{"id":"{\"$oid\":\"a\"}"}}`)
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".key") {
				key = file.Data
			}
			if strings.HasSuffix(file.Name, ".json") {
				f.Add(file.Data, key, []byte("d"))
			}
		}
	}
	places := document.NewPlaces()
	places.Seal()
	f.Fuzz(func(t *testing.T, value, key, header []byte) {
		m := event.Message{Origin: event.Origin{Topic: "a.b"}, Key: key, Value: value, Headers: []event.Header{
			{Key: "__op", Value: header}, {Key: "__table", Value: header}, {Key: "__ts_ms", Value: header}}}
		var told [2]string
		r := &debezium.Reader{}
		for i := range told {
			var out strings.Builder
			tell(&out, r, &m)
			told[i] = out.String()
		}
		if told[0] != told[1] {
			t.Fatalf("told first\n%s\nthen\n%s", told[0], told[1])
		}
		c, err := r.Read(&m, value, standard)
		if err != nil {
			return
		}
		var d document.Document
		for _, text := range [][]byte{c.Row, r.AppendChange(nil)} {
			if err := d.Parse(places, text); err != nil && !grown(err) {
				t.Fatalf("made %s, which is not strict JSON: %v", text, err)
			}
		}
		checkValues(t, value, c.Row)
	})
}

// grown reports whether a document is refused for its size alone: what is made of the largest may be larger.
func grown(err error) bool {
	var e *document.InputError
	return errors.As(err, &e) && (e.Kind == document.TooLong || e.Kind == document.TooDeep)
}

// checkValues proves that a row without a schema keeps the values of its columns, or leaves them out where they are
// the placeholder.
func checkValues(t *testing.T, value, row []byte) {
	var whole, got map[string]any
	debeziumDecode(value, &whole)
	debeziumDecode(row, &got)
	after, ok := whole["after"].(map[string]any)
	if _, wrapped := whole["payload"]; !ok || wrapped || whole["op"] != "c" && whole["op"] != "u" {
		return
	}
	unavailable := func(v any) bool {
		text := fmt.Sprint(v)
		return strings.Contains(text, "unavailable") || strings.Contains(text, "X19k") || strings.Contains(text, "[95 ")
	}
	for column, want := range after {
		if is, ok := got[column]; !reflect.DeepEqual(is, want) && (ok || !unavailable(want)) {
			t.Fatalf("the column %s is %v, want %v", column, is, want)
		}
	}
	for column := range got {
		if _, ok := after[column]; !ok {
			t.Fatalf("the column %s came from nowhere", column)
		}
	}
}

func debeziumDecode(text []byte, into any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(into)
}

func TestErrorsQuoteNoValue(t *testing.T) {
	for _, value := range []string{
		`{"op":"secret","before":null,"after":{},"source":{}}`, `"secret"`,
		`{"op":"u","after":["secret"],"source":{}}`, `{"op":"u","after":"secret","source":{}}`,
		`{"__op":"secret"}`, `{"schema":{"fields":"secret"},"payload":{}}`,
		`{"schema":{"fields":[{"field":"after","fields":[{"field":"c","name":"org.apache.kafka.connect.data.Decimal",` +
			`"parameters":{"scale":"1"}}]}]},"payload":{"op":"u","after":{"c":"?secret"},"source":{}}}`,
	} {
		_, err := (&debezium.Reader{}).Read(&event.Message{}, []byte(value), standard)
		var form *debezium.FormError
		var column *connect.ValueError
		if !errors.As(err, &form) && !errors.As(err, &column) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", value, err)
		}
	}
}

// BenchmarkRead reads records of the three forms; the wrapped one is mostly schema.
func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"postgres", "flat"} {
		archive, err := txtar.ParseFile("debezium/testdata/" + name + ".txtar")
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range archive.Files {
			if !strings.HasPrefix(f.Name, "update, ") && !strings.HasSuffix(f.Name, "what was added.json") {
				continue
			}
			b.Run(strings.TrimSuffix(f.Name, ".json"), func(b *testing.B) {
				r := &debezium.Reader{}
				m := event.Message{Origin: event.Origin{Topic: "srv.public.customers"}, Value: bytes.TrimSpace(f.Data)}
				b.SetBytes(int64(len(m.Value)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := r.Read(&m, m.Value, standard); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
