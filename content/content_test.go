package content

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/avro"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const person = `{"type":"record","name":"Person","fields":[{"name":"id","type":"long"}]}`

func newDecoder(t *testing.T, c registry.Config) *Decoder {
	t.Helper()
	d, err := NewDecoder(c, canarytest.Logger(t), canarytest.Registry(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// framed is a value as a serializer of the registry writes it.
func framed(id byte, data []byte) []byte { return append([]byte{0, 0, 0, 0, id}, data...) }

func encode(t *testing.T, schema string, v any) []byte {
	t.Helper()
	data, err := avro.MustParse(schema).Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t *testing.T, d *Decoder, form string, value []byte) event.Message {
	t.Helper()
	m := event.Message{Value: value}
	if err := d.Decode(t.Context(), event.Forms{Value: form}, &m); err != nil {
		t.Fatal(err)
	}
	if string(m.Value) != string(value) {
		t.Error("the value is touched")
	}
	return m
}

func TestDecode(t *testing.T) {
	f := registrytest.Start(t)
	f.Register(1, "", person)
	f.Register(2, "PROTOBUF", `syntax = "proto3"; message Person { int64 id = 1; }`)
	f.Register(3, "AVRO", `{"type":"none"}`)
	f.Register(5, "", `"Gone"`, registrytest.Reference{Name: "Gone", Subject: "gone", Version: 1})
	d := newDecoder(t, registry.Config{URL: f.URL})
	row := encode(t, person, map[string]any{"id": int64(9007199254740993)})
	for _, test := range []struct {
		form           string
		value          []byte
		content, wrong string
	}{
		{Avro, framed(1, row), `{"id":9007199254740993}`, ""},
		{Avro, framed(1, row), `{"id":9007199254740993}`, ""},
		{Protobuf, framed(2, []byte("\x00\x08\x07")), `{"id":7}`, ""},
		{JSONSchema, framed(9, []byte(`{"id":7}`)), `{"id":7}`, ""},
		{JSON, []byte(`{"id":7}`), "", ""},
		{"", framed(1, row), "", ""},
		{Avro, nil, "", ""},
		{Avro, []byte{}, "", ""},
		{Avro, []byte(`{"id":7}`), "", "is JSON without the number of a schema before it; content: json reads it"},
		{Avro, []byte("\x00\x00"), "", "does not begin with a zero and the number of a schema"},
		{Avro, framed(1, row[:1]), "", "does not fit its schema 1: .id: ends too early"},
		{Avro, framed(2, row), "", `has schema 2, which the registry has as "PROTOBUF"; content: avro wants "AVRO"`},
		{Avro, framed(3, row), "", "has schema 3, which cannot be read"},
		{Avro, framed(5, row), "", "has schema 5, which cannot be read"},
		{Avro, []byte("\x00\xff\xff\xff\xffgarbage"), "", "has schema 4294967295, which the schema registry does not"},
		{Avro, framed(4, row), "", "has schema 4, which the schema registry does not have"},
		{Avro, framed(0, framed(1, row)), "", "has schema 0, which the schema registry does not have; a serializer"},
		{Avro, framed(1, make([]byte, 1<<20)), "", "is longer than 1 MiB"},
	} {
		m := decode(t, d, test.form, test.value)
		why := strings.TrimPrefix(m.Unreadable(), "the record's value ")
		if string(m.ValueContent()) != test.content || !strings.HasPrefix(why, test.wrong) ||
			(test.wrong == "") != (m.Unreadable() == "") {
			t.Errorf("%s %x: %s, %s", test.form, test.value[:min(9, len(test.value))], m.ValueContent(), m.Unreadable())
		}
	}
	if n := len(f.Asked()); n != 7 {
		t.Errorf("the registry was asked %d times for 6 schemas and a reference", n)
	}
	if n := testutil.ToFloat64(d.asked.WithLabelValues("unknown")); n != 3 {
		t.Errorf("%v unknown schemas are counted", n)
	}
	without := newDecoder(t, registry.Config{})
	if m := decode(t, without, Avro, framed(1, row)); !strings.Contains(m.Unreadable(), "there is no schema_registry") {
		t.Error(m.Unreadable())
	}
}

// Keys are read where their form is named, and one that names no schema is taken as it is. Newer serializers name the
// schema by a GUID, or in a header.
func TestDecodeKeysAndHeaders(t *testing.T) {
	f := registrytest.Start(t)
	f.Register(1, "", person)
	f.Register(2, "PROTOBUF", `syntax = "proto3"; message Other {} message Person { int64 id = 1; }`)
	f.RegisterGUID("01010101-0101-0101-0101-010101010101", "", person)
	guid := strings.Repeat("\x01", 17)
	d := newDecoder(t, registry.Config{URL: f.URL})
	h := func(key, value string) []event.Header { return []event.Header{{Key: key, Value: []byte(value)}} }
	for _, test := range []struct {
		forms       event.Forms
		key, value  string
		headers     []event.Header
		wantKey     string
		wantContent string
		unreadable  string
	}{
		{forms: event.Forms{Key: Avro}, key: "\x00\x00\x00\x00\x01\x0e", value: "{}", wantKey: `{"id":7}`},
		{forms: event.Forms{Key: Avro}, key: "\x00\x00\x00\x00\x01\x0e", wantKey: `{"id":7}`}, // a tombstone
		{forms: event.Forms{Key: Avro}, key: "canary_7", value: "{}"},
		{forms: event.Forms{Key: Avro}, key: "\x00\x00\x00\x07", value: "{}"}, // an integer of 32 bits
		{forms: event.Forms{Key: Avro}, value: "{}"},
		{forms: event.Forms{Key: Avro}, key: "\x00\x00\x00\x00\x09\x0e", value: "{}",
			unreadable: "the record's key has schema 9, which the schema registry does not have"},
		{forms: event.Forms{Key: Avro}, key: "\x00\x00\x00\x00\x01", value: "{}",
			unreadable: "the record's key does not fit its schema 1: .id: ends too early"},
		{forms: event.Forms{Key: JSON}, key: "\x00\x00\x00\x00\x01\x0e", value: "{}"},
		{forms: event.Forms{Value: Avro}, value: guid + "\x0e", wantContent: `{"id":7}`},
		{forms: event.Forms{Value: Avro}, value: "\x0e", headers: h(valueHeader, guid), wantContent: `{"id":7}`},
		{forms: event.Forms{Value: Avro}, value: "\x0e", headers: h(valueHeader, "\x00\x00\x00\x00\x01"),
			wantContent: `{"id":7}`},
		{forms: event.Forms{Value: Protobuf}, value: "\x08\x07",
			headers: h(valueHeader, "\x00\x00\x00\x00\x02\x02\x02"), wantContent: `{"id":7}`},
		{forms: event.Forms{Value: JSONSchema}, value: `{"id":7}`, headers: h(valueHeader, guid), wantContent: `{"id":7}`},
		{forms: event.Forms{Value: Avro}, value: "\x02" + guid[1:] + "\x0e",
			unreadable: "the record's value does not begin with a zero and the number of a schema"},
		{forms: event.Forms{Value: Avro}, value: "\x01\x02" + guid[2:] + "\x0e", unreadable: "the record's value has " +
			"schema 02010101-0101-0101-0101-010101010101, which the schema registry does not have"},
		{forms: event.Forms{Key: Avro}, key: "\x0e", value: "{}", headers: h(keyHeader, guid), wantKey: `{"id":7}`},
	} {
		m := event.Message{Key: []byte(test.key), Headers: test.headers}
		if test.value != "" {
			m.Value = []byte(test.value)
		}
		if err := d.Decode(t.Context(), test.forms, &m); err != nil {
			t.Fatal(err)
		}
		canarytest.Text(t, "why it cannot be read", m.Unreadable())
		if string(m.KeyContent()) != test.wantKey || string(m.ValueContent()) != test.wantContent ||
			!strings.HasPrefix(m.Unreadable(), test.unreadable) || (m.Unreadable() == "") != (test.unreadable == "") {
			t.Errorf("%v %q %q: %s, %s, %s", test.forms, test.key, test.value, m.KeyContent(), m.ValueContent(),
				m.Unreadable())
		}
	}
}

// A registry that is away is waited for; a message whose lease ends meanwhile is not taken up, and nothing is lost.
func TestDecodeWaitsForTheRegistry(t *testing.T) {
	f := registrytest.Start(t)
	f.Register(1, "AVRO", person)
	f.SetDown(true)
	d := newDecoder(t, registry.Config{URL: f.URL})
	row := framed(1, encode(t, person, map[string]any{"id": int64(7)}))
	const waits = "[the schema registry does not answer: partitions wait for 1 schema]"
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 3)
	for range 3 {
		go func() {
			m := event.Message{Value: row}
			ended <- d.Decode(ctx, event.Forms{Value: Avro}, &m)
		}()
	}
	waitFor(t, func() bool { return fmt.Sprint(d.Troubles()) == waits })
	cancel()
	for range 3 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a message whose lease has ended: %v", err)
		}
	}
	decoded := make(chan event.Message)
	go func() {
		m := event.Message{Value: row}
		if err := d.Decode(t.Context(), event.Forms{Value: Avro}, &m); err != nil {
			t.Error(err)
		}
		decoded <- m
	}()
	waitFor(t, func() bool { return d.waiting.Load() == 1 })
	f.SetDown(false)
	if m := <-decoded; string(m.ValueContent()) != `{"id":7}` || m.Unreadable() != "" {
		t.Errorf("%s, %s", m.ValueContent(), m.Unreadable())
	}
	if len(d.Troubles()) != 0 || testutil.ToFloat64(d.asked.WithLabelValues("failed")) < 2 {
		t.Errorf("%v, or the outage did not happen", d.Troubles())
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about")
		}
	}
}

// What is not there is asked for again after a while, and the table of schemas does not grow with foreign numbers.
func TestDecoderForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDecoder(t, registry.Config{})
		r, err := d.schema(t.Context(), registry.Ref{ID: 7})
		if err != nil || !r.valid() {
			t.Fatal(err)
		}
		time.Sleep(askAgain)
		if r.valid() {
			t.Error("a schema that was not there is never asked for again")
		}
		for id := range uint32(3 * maxKnown) {
			if _, err := d.schema(t.Context(), registry.Ref{ID: id}); err != nil {
				t.Fatal(err)
			}
		}
		if len(d.known) != maxKnown {
			t.Errorf("%d schemas are kept", len(d.known))
		}
	})
}

type consumer func(ctx context.Context, handle event.Handler) error

func (c consumer) Consume(ctx context.Context, handle event.Handler) error { return c(ctx, handle) }

type lease struct{ context.Context }

func (lease) AfterFunc(func()) func() bool { return nil }

func TestSource(t *testing.T) {
	f := registrytest.Start(t)
	f.Register(1, "AVRO", person)
	var got []string
	s := &Source{
		Decoder: newDecoder(t, registry.Config{URL: f.URL}),
		FormsOf: func(topic string) event.Forms { return map[string]event.Forms{"avro": {Value: Avro}}[topic] },
		Consumer: consumer(func(ctx context.Context, handle event.Handler) error {
			for _, m := range []event.Message{
				{Origin: event.Origin{Topic: "avro"}, Value: framed(1, []byte{14})},
				{Origin: event.Origin{Topic: "other"}, Value: []byte("x")},
				{Origin: event.Origin{Topic: "avro"}, Value: framed(2, []byte{14})},
			} {
				if err := handle(lease{ctx}, &m, func() {}); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	err := s.Consume(t.Context(), func(_ event.Lease, m *event.Message, _ func()) error {
		got = append(got, string(m.ValueContent())+"|"+m.Unreadable())
		return nil
	})
	want := `[{"id":7}| | |the record's value has schema 2, which the schema registry does not have]`
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v", got, err)
	}
}

func BenchmarkDecode(b *testing.B) {
	d, err := NewDecoder(registry.Config{URL: "http://127.0.0.1:1"}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	r, err := d.compile(b.Context(), registry.Ref{ID: 1}, registry.Schema{Type: "AVRO", Text: person})
	if err != nil {
		b.Fatal(err)
	}
	d.entry(registry.Ref{ID: 1}).read.Store(r)
	value := framed(1, []byte{14})
	b.ReportAllocs()
	for b.Loop() {
		m := event.Message{Value: value}
		if err := d.Decode(b.Context(), event.Forms{Value: Avro}, &m); err != nil || m.ValueContent() == nil {
			b.Fatal(err)
		}
	}
}
