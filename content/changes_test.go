package content

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/registrytest"
	"github.com/ciobridge/ciobridge/mapping/debezium"
)

// connectType is a type of Kafka Connect, as its converter of JSON writes it beside the value.
type connectType struct {
	Field, Type, Name string
	Optional          bool
	Version           int
	Parameters        map[string]string
	Fields            []connectType
	Items, Keys       *connectType
	Values            *connectType
}

// wrapped is a record of that converter.
type wrapped struct {
	Schema  *connectType    `json:"schema"`
	Payload json.RawMessage `json:"payload"`
}

var avroNames = map[string]string{
	"boolean": "boolean", "int8": "int", "int16": "int", "int32": "int", "int64": "long", "float": "float",
	"float32": "float", "double": "double", "float64": "double", "string": "string", "bytes": "bytes",
}

// avroSchema is the schema that Confluent's AvroConverter makes of a type.
func (c *connectType) avroSchema() any {
	s := map[string]any{"type": avroNames[c.Type]}
	switch c.Type {
	case "struct":
		dot := strings.LastIndexByte(c.Name, '.')
		s = map[string]any{"type": "record", "name": c.Name[dot+1:]}
		if dot > 0 {
			s["namespace"] = c.Name[:dot]
		}
		fields := []any{}
		for i := range c.Fields {
			f := map[string]any{"name": c.Fields[i].Field, "type": c.Fields[i].avroSchema()}
			if c.Fields[i].Optional {
				f["default"] = nil
			}
			fields = append(fields, f)
		}
		s["fields"] = fields
	case "array":
		s = map[string]any{"type": "array", "items": c.Items.avroSchema()}
	case "map":
		s = map[string]any{"type": "map", "values": c.Values.avroSchema()}
	}
	if c.Name != "" {
		s["connect.name"] = c.Name
	}
	if c.Version > 0 {
		s["connect.version"] = c.Version
	}
	if c.Parameters != nil {
		s["connect.parameters"] = c.Parameters
	}
	switch c.Name {
	case "org.apache.kafka.connect.data.Decimal":
		s["logicalType"], s["precision"] = "decimal", 64
		s["scale"] = json.Number(c.Parameters["scale"])
	case "org.apache.kafka.connect.data.Date":
		s["logicalType"] = "date"
	case "org.apache.kafka.connect.data.Time":
		s["logicalType"] = "time-millis"
	case "org.apache.kafka.connect.data.Timestamp":
		s["logicalType"] = "timestamp-millis"
	}
	if c.Optional {
		return []any{"null", s}
	}
	return s
}

// named gives every record of a schema but the first one of its name the name alone, as a schema must.
func named(s any, seen map[string]bool) any {
	switch s := s.(type) {
	case []any:
		for i := range s {
			s[i] = named(s[i], seen)
		}
	case map[string]any:
		if s["type"] == "record" {
			full := fmt.Sprint(s["namespace"], ".", s["name"])
			if seen[full] {
				return full
			}
			seen[full] = true
		}
		for _, key := range slices.Sorted(maps.Keys(s)) {
			if key == "fields" || key == "items" || key == "values" || key == "type" {
				s[key] = named(s[key], seen)
			}
		}
	}
	return s
}

// encode writes a value of the converter of JSON in Avro.
func (c *connectType) encode(b []byte, v any) []byte {
	if c.Optional {
		if v == nil {
			return append(b, 0)
		}
		b = append(b, 2)
	}
	switch v := v.(type) {
	case bool:
		if v {
			return append(b, 1)
		}
		return append(b, 0)
	case json.Number:
		f, _ := v.Float64()
		switch avroNames[c.Type] {
		case "float":
			return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
		case "double":
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		}
		n, _ := v.Int64()
		return binary.AppendVarint(b, n)
	case string:
		text := []byte(v)
		if c.Type == "bytes" {
			text, _ = base64.StdEncoding.DecodeString(v)
		}
		return append(binary.AppendVarint(b, int64(len(text))), text...)
	case []any:
		for _, item := range v {
			b = c.Items.encode(binary.AppendVarint(b, 1), item)
		}
		return append(b, 0)
	case map[string]any:
		if c.Type == "map" {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				b = binary.AppendVarint(b, 1)
				b = c.Values.encode(append(binary.AppendVarint(b, int64(len(key))), key...), v[key])
			}
			return append(b, 0)
		}
		for i := range c.Fields {
			b = c.Fields[i].encode(b, v[c.Fields[i].Field])
		}
	}
	return b
}

// inAvro is a record of the converter of JSON as that of Avro writes it, and nil for one without a schema.
func inAvro(t *testing.T, r *registrytest.Registry, id byte, text []byte) []byte {
	t.Helper()
	var w wrapped
	if json.Unmarshal(text, &w) != nil || w.Schema == nil || w.Schema.Name == "" {
		return nil
	}
	in := json.NewDecoder(bytes.NewReader(w.Payload))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		t.Fatal(err)
	}
	schema, err := json.Marshal(named(w.Schema.avroSchema(), map[string]bool{}))
	if err != nil {
		t.Fatal(err)
	}
	r.Register(uint32(id), "", string(schema))
	return framed(id, w.Schema.encode(nil, v))
}

// A change that Debezium writes in Avro, value and key, tells the same as one that it writes in JSON with its schema:
// type, time, row and $change.
func TestChangesInAvro(t *testing.T) {
	r := registrytest.Start(t)
	d := newDecoder(t, registry.Config{URL: r.URL})
	id, compared := byte(0), 0
	for _, name := range []string{"postgres", "flat"} {
		archive, err := txtar.ParseFile("../mapping/debezium/testdata/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, f := range archive.Files {
			files[f.Name] = f.Data
		}
		for _, f := range archive.Files {
			name, ok := strings.CutSuffix(f.Name, ".json")
			value := inAvro(t, r, id+1, f.Data)
			if !ok || value == nil || strings.HasPrefix(name, "balance is not") { // which Avro cannot write
				continue
			}
			origin := event.Origin{Topic: "srv.public.customers"}
			plain := event.Message{Origin: origin, Key: files[name+".key"], Value: f.Data}
			other := event.Message{Origin: origin, Key: inAvro(t, r, id+2, plain.Key), Value: value}
			id += 2
			if err := d.Decode(t.Context(), event.Forms{Value: Avro, Key: Avro}, &other); err != nil {
				t.Fatal(err)
			}
			if other.Unreadable() != "" {
				t.Errorf("%s: %s", name, other.Unreadable())
				continue
			}
			want, err := told(&plain, plain.Value)
			got, avroErr := told(&other, other.ValueContent())
			if got != want || err != nil || avroErr != nil {
				t.Errorf("%s: got\n%s, %v\nwant\n%s, %v", name, got, avroErr, want, err)
			}
			compared++
		}
	}
	if compared < 8 {
		t.Errorf("only %d records are compared", compared)
	}
}

// told is what a change tells. Where JSON has 2.0 a float of Avro is 2.
func told(m *event.Message, value []byte) (string, error) {
	r := &debezium.Reader{}
	c, err := r.Read(m, value, debezium.NewPlaceholder(""))
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %d\n", c.Type, c.Time)
	for _, text := range [][]byte{c.Row, r.AppendChange(nil)} {
		var v any
		in := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(text, []byte("2.0,"), []byte("2,"))))
		in.UseNumber()
		if err := in.Decode(&v); err != nil {
			return "", err
		}
		fmt.Fprintln(&out, v)
	}
	return out.String(), nil
}

// All that a tombstone tells of a deletion is its key.
func TestTombstoneInAvro(t *testing.T) {
	r := registrytest.Start(t)
	d := newDecoder(t, registry.Config{URL: r.URL})
	key := inAvro(t, r, 1, []byte(`{"schema":{"type":"struct","name":"srv.public.customers.Key","fields":[{"type":"int64",`+
		`"field":"id"}]},"payload":{"id":9007199254740993}}`))
	m := event.Message{Origin: event.Origin{Topic: "srv.public.customers"}, Key: key}
	if err := d.Decode(t.Context(), event.Forms{Value: Avro, Key: Avro}, &m); err != nil {
		t.Fatal(err)
	}
	c := (&debezium.Reader{}).Tombstone(&m)
	if string(c.Row) != `{"id":9007199254740993}` || string(c.Type) != "customers.delete" {
		t.Errorf("%s, %s", c.Type, c.Row)
	}
}
