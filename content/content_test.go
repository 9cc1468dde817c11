package content

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const person = `{"type":"record","name":"Person","fields":[{"name":"id","type":"long"}]}`

// fake is a schema registry in the process.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	schemas map[string]string // answers by path
	down    atomic.Bool
	asked   atomic.Int32
}

func startFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{schemas: map[string]string{}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		f.mu.Lock()
		text, found := f.schemas[r.URL.Path]
		f.mu.Unlock()
		switch {
		case f.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case found:
			fmt.Fprint(w, text)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":40403,"message":"Schema not found"}`)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) put(path, typ, schema string) {
	text, err := json.Marshal(map[string]string{"schemaType": typ, "schema": schema})
	if err != nil {
		panic(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.schemas[path] = string(text)
}

func newDecoder(t *testing.T, c registry.Config) *Decoder {
	t.Helper()
	d, err := NewDecoder(c, zap.NewNop(), prometheus.NewRegistry())
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
	data, err := avro.Marshal(avro.MustParse(schema), v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t *testing.T, d *Decoder, form string, value []byte) event.Message {
	t.Helper()
	m := event.Message{Value: value}
	if err := d.Decode(t.Context(), form, &m); err != nil {
		t.Fatal(err)
	}
	if string(m.Value) != string(value) {
		t.Error("the value is touched")
	}
	return m
}

func TestDecode(t *testing.T) {
	f := startFake(t)
	f.put("/schemas/ids/1", "", person)
	f.put("/schemas/ids/2", "PROTOBUF", `syntax = "proto3"; message Person { int64 id = 1; }`)
	f.put("/schemas/ids/3", "AVRO", `{"type":"none"}`)
	f.schemas["/schemas/ids/5"] = `{"schema":"\"Gone\"","references":[{"name":"Gone","subject":"gone","version":1}]}`
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
		{Avro, framed(1, make([]byte, 1<<20)), "", "is longer than 1 MiB"},
	} {
		m := decode(t, d, test.form, test.value)
		if string(m.Content) != test.content || !strings.HasPrefix(m.Unreadable, test.wrong) ||
			(test.wrong == "") != (m.Unreadable == "") {
			t.Errorf("%s %x: %s, %s", test.form, test.value[:min(9, len(test.value))], m.Content, m.Unreadable)
		}
	}
	if n := f.asked.Load(); n != 6 {
		t.Errorf("the registry was asked %d times for 5 schemas and a reference", n)
	}
	if n := testutil.ToFloat64(d.asked.WithLabelValues("unknown")); n != 2 {
		t.Errorf("%v unknown schemas are counted", n)
	}
	without := newDecoder(t, registry.Config{})
	if m := decode(t, without, Avro, framed(1, row)); !strings.Contains(m.Unreadable, "there is no schema_registry") {
		t.Error(m.Unreadable)
	}
}

// A registry that is away is waited for; a message whose lease ends meanwhile is not taken up, and nothing is lost.
func TestDecodeWaitsForTheRegistry(t *testing.T) {
	f := startFake(t)
	f.put("/schemas/ids/1", "AVRO", person)
	f.down.Store(true)
	d := newDecoder(t, registry.Config{URL: f.URL})
	row := framed(1, encode(t, person, map[string]any{"id": int64(7)}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 3)
	for range 3 {
		go func() {
			m := event.Message{Value: row}
			ended <- d.Decode(ctx, Avro, &m)
		}()
	}
	waitFor(t, func() bool { return d.waiting.Load() == 1 && len(d.Troubles()) == 1 })
	cancel()
	for range 3 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a message whose lease has ended: %v", err)
		}
	}
	decoded := make(chan event.Message)
	go func() {
		m := event.Message{Value: row}
		if err := d.Decode(t.Context(), Avro, &m); err != nil {
			t.Error(err)
		}
		decoded <- m
	}()
	waitFor(t, func() bool { return d.waiting.Load() == 1 })
	f.down.Store(false)
	if m := <-decoded; string(m.Content) != `{"id":7}` || m.Unreadable != "" {
		t.Errorf("%s, %s", m.Content, m.Unreadable)
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
		r, err := d.schema(t.Context(), 7)
		if err != nil || !r.valid() {
			t.Fatal(err)
		}
		time.Sleep(askAgain)
		if r.valid() {
			t.Error("a schema that was not there is never asked for again")
		}
		for id := range uint32(3 * maxKnown) {
			if _, err := d.schema(t.Context(), id); err != nil {
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
	f := startFake(t)
	f.put("/schemas/ids/1", "AVRO", person)
	var got []string
	s := &Source{
		Decoder: newDecoder(t, registry.Config{URL: f.URL}),
		FormOf:  func(topic string) string { return map[string]string{"avro": Avro}[topic] },
		Consumer: consumer(func(ctx context.Context, handle event.Handler) error {
			for _, m := range []event.Message{
				{Origin: event.Origin{Topic: "avro"}, Value: framed(1, []byte{14})},
				{Origin: event.Origin{Topic: "other"}, Value: []byte("x")},
				{Origin: event.Origin{Topic: "avro"}, Value: framed(2, []byte{14})},
			} {
				if err := handle(lease{ctx}, m, func() {}); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	err := s.Consume(t.Context(), func(_ event.Lease, m event.Message, _ func()) error {
		got = append(got, string(m.Content)+"|"+m.Unreadable)
		return nil
	})
	want := `[{"id":7}| | |has schema 2, which the schema registry does not have]`
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
	r, err := d.compile(b.Context(), 1, registry.Schema{Type: "AVRO", Text: person})
	if err != nil {
		b.Fatal(err)
	}
	d.entry(1).read.Store(r)
	value := framed(1, []byte{14})
	b.ReportAllocs()
	for b.Loop() {
		m := event.Message{Value: value}
		if err := d.Decode(b.Context(), Avro, &m); err != nil || m.Content == nil {
			b.Fatal(err)
		}
	}
}
