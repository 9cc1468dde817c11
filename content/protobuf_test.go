package content_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/ciobridge/ciobridge/content/protobuf"
)

const protoSchema = `syntax = "proto3";
package com.example;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/any.proto";
import "common/money.proto";

message Other { string x = 1; }
message Order {
  message Line { string sku = 1; int32 n = 2; }
  enum State { OPEN = 0; PAID = 1; }
  string order_id = 1;
  int64 customer_id = 2;
  uint64 big = 3;
  Money total = 4;
  google.protobuf.Timestamp placed_at = 5;
  State state = 6;
  repeated Line lines = 7;
  map<string, double> tags = 8;
  bytes raw = 9;
  bool gift = 10;
  float weight = 11;
  optional string note = 12;
  google.protobuf.Int64Value points = 13;
  google.protobuf.Struct extra = 14;
  oneof pay { string card = 15; string bill = 16; }
  google.protobuf.Any any = 17;
  Order parent = 18;
  map<int32, Line> by_number = 19;
}
`

const protoMoney = `syntax = "proto3"; package com.example; message Money { string currency = 1; sint64 cents = 2; }`

func parseProtobuf(t testing.TB) *protobuf.Schema {
	t.Helper()
	s, err := protobuf.Parse(t.Context(), protoSchema, protobuf.File{Name: "common/money.proto", Text: protoMoney})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A message is one of a schema, and the place of its type there as serializers write it.
type message struct{ indexes, name string }

var (
	isOther = message{"\x00", "com.example.Other"}              // the first message
	isOrder = message{"\x02\x02", "com.example.Order"}          // one index: 1
	isLine  = message{"\x04\x02\x00", "com.example.Order.Line"} // two: 1, 0
)

// anotherMake compiles the schema with all that it imports, and returns what another implementation makes of JSON: a
// message, with the place of its type before.
func anotherMake(t testing.TB, schema string, imports map[string]string) func(m message, text string) []byte {
	t.Helper()
	texts := map[string]string{"schema.proto": schema}
	maps.Copy(texts, imports)
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(texts),
	})}
	files, err := compiler.Compile(t.Context(), "schema.proto")
	if err != nil {
		t.Fatal(err)
	}
	return func(m message, text string) []byte {
		t.Helper()
		found, err := files.AsResolver().FindDescriptorByName(protoreflect.FullName(m.name))
		if err != nil {
			t.Fatal(err)
		}
		out := dynamicpb.NewMessage(found.(protoreflect.MessageDescriptor))
		if err := protojson.Unmarshal([]byte(text), out); err != nil {
			t.Fatal(err)
		}
		data, err := proto.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte(m.indexes), data...)
	}
}

func ordersInProtobuf(t testing.TB) func(m message, text string) []byte {
	t.Helper()
	return anotherMake(t, protoSchema, map[string]string{"common/money.proto": protoMoney})
}

const protoText = `{"orderId":"o1","customerId":"9007199254740993","big":"18446744073709551615",` +
	`"total":{"currency":"EUR","cents":"-5"},"placedAt":"2026-10-05T10:00:00.123Z","state":"PAID",` +
	`"lines":[{"sku":"A","n":1},{"sku":"B"}],"tags":{"b":1.5,"a":"NaN"},"raw":"AP8=","weight":0.1,"points":"7",` +
	`"extra":{"k":[1,null]},"bill":"b","parent":{"orderId":"o0"},"byNumber":{"7":{"sku":"C"}}}`

const protoJSON = `{"order_id":"o1","customer_id":9007199254740993,"big":18446744073709551615,` +
	`"total":{"currency":"EUR","cents":-5},"placed_at":"2026-10-05T10:00:00.123Z","state":"PAID",` +
	`"lines":[{"sku":"A","n":1},{"sku":"B","n":0}],"tags":{"a":"NaN","b":1.5},"raw":"AP8=","gift":false,"weight":0.1,` +
	`"points":7,"extra":{"k":[1,null]},"bill":"b","parent":{"order_id":"o0","customer_id":0,"big":0,"state":"OPEN",` +
	`"lines":[],"tags":{},"raw":"","gift":false,"weight":0,"by_number":{}},"by_number":{"7":{"sku":"C","n":0}}}`

func TestAppendProtobuf(t *testing.T) {
	s, encoded := parseProtobuf(t), ordersInProtobuf(t)
	for _, test := range []struct {
		of         message
		text, want string
	}{
		{isOrder, protoText, protoJSON},
		{isOther, `{"x":"\u00e9\""}`, `{"x":"é\""}`},
		{isLine, `{"n":-1}`, `{"sku":"","n":-1}`},
	} {
		got, err := s.Append([]byte("x"), encoded(test.of, test.text))
		if err != nil || string(got) != "x"+test.want {
			t.Errorf("%v\n%s\n%s", err, got, test.want)
		}
	}
}

func TestAppendProtobufRefuses(t *testing.T) {
	s, encoded := parseProtobuf(t), ordersInProtobuf(t)
	farInTheFuture := "\x2a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
	for data, want := range map[string]string{
		"":                               "does not say which message",
		"\x02":                           "does not say which message",
		"\x01":                           "does not say which message",
		"\x02\x08":                       "a message that its schema does not have",
		"\x02\x01":                       "a message that its schema does not have",
		isOrder.indexes + "\x0a\x05a":    "is not encoded as its schema says",
		isOrder.indexes + "\x0a\x01\xff": "is not encoded as its schema says",
		isOrder.indexes + farInTheFuture: "outside of the type's range",
	} {
		if _, err := s.Append(nil, []byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%x: %v, want %v", data, err, want)
		}
	}
	for _, many := range []string{strings.Repeat("\x3a\x00", 500_000),
		"\x92\x01\x80\x89\x7a" + strings.Repeat("\x3a\x00", 1_000_000)} { // in the message, and in one within it
		_, err := s.Append(nil, []byte(isOrder.indexes+many))
		if err == nil || !strings.Contains(err.Error(), "more than 20,000 messages") {
			t.Errorf("many messages: %v", err)
		}
	}
	large := encoded(isOrder, `{"orderId":"`+strings.Repeat("k", protobuf.MaxOutput)+`"}`)
	if _, err := s.Append(nil, large); err == nil || !strings.Contains(err.Error(), "more than 2 MiB") {
		t.Errorf("a large value: %v", err)
	}
}

// kafkaConnectImports are the files that Kafka Connect's converter imports, as far as they are needed.
var kafkaConnectImports = map[string]string{
	"confluent/meta.proto": `syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }`,
	"confluent/type/decimal.proto": `syntax = "proto3"; package confluent.type;
message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
	"google/type/date.proto": `syntax = "proto3"; package google.type;
message Date { int32 year = 1; int32 month = 2; int32 day = 3; }`,
	"google/type/money.proto": `syntax = "proto3"; package google.type;
message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }`,
}

// What the converter of Kafka Connect writes imports files that no registry has.
func TestKnownImports(t *testing.T) {
	const schema = `syntax = "proto3"; package srv.orders;
import "confluent/meta.proto"; import "confluent/type/decimal.proto"; import "google/type/date.proto";
import "google/type/money.proto";
message Value {
  option (confluent.message_meta) = {doc: "a row"};
  confluent.type.Decimal total = 1 [(confluent.field_meta) = {params: [{key: "scale", value: "2"}]}];
  google.type.Date born = 2; google.type.Date birthday = 3; google.type.Money price = 4;
}`
	s, err := protobuf.Parse(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	value := message{"\x00", "srv.orders.Value"}
	encoded := anotherMake(t, schema, kafkaConnectImports)
	for _, test := range []struct{ text, want string }{
		{`{"total":{"value":"AQI=","scale":2},"born":{"year":1990,"month":1,"day":2},"birthday":{"month":1,"day":2},` +
			`"price":{"currencyCode":"EUR","units":"5"}}`,
			`{"total":2.58,"born":"1990-01-02","birthday":{"year":0,"month":1,"day":2},` +
				`"price":{"currency_code":"EUR","units":5,"nanos":0}}`},
		{`{"total":{}}`, `{"total":0}`},
	} {
		if got, err := s.Append(nil, encoded(value, test.text)); err != nil || string(got) != test.want {
			t.Errorf("%s, %v, want %s", got, err, test.want)
		}
	}
	if _, err := s.Append(nil, encoded(value, `{"total":{"scale":1000000}}`)); err == nil {
		t.Error("a scale without end is taken")
	}
}

func TestParseProtobufRefuses(t *testing.T) {
	for _, text := range []string{`{`, `syntax = "proto3"; import "gone.proto";`, `<html>`} {
		if _, err := protobuf.Parse(t.Context(), text); err == nil {
			t.Errorf("%s is parsed", text)
		}
	}
}

// Whatever the bytes are, the output is JSON, and always the same, or there is an error.
func FuzzAppendProtobuf(f *testing.F) {
	s, encoded := parseProtobuf(f), ordersInProtobuf(f)
	f.Add(encoded(isOrder, protoText))
	f.Add(encoded(isLine, `{"n":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := s.Append(nil, data)
		if err != nil {
			return
		}
		if again, _ := s.Append(nil, data); !json.Valid(got) || string(again) != string(got) {
			t.Errorf("%x becomes %s and %s", data, got, again)
		}
	})
}
