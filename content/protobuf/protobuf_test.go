package protobuf

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

const orderSchema = `syntax = "proto3";
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

func parse(t testing.TB) *Schema {
	t.Helper()
	s, err := Parse(t.Context(), orderSchema, File{"common/money.proto",
		`syntax = "proto3"; package com.example; message Money { string currency = 1; sint64 cents = 2; }`})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// encoded is a message as another implementation reads it from JSON and encodes it, with the place of its type before.
func encoded(t testing.TB, s *Schema, indexes, text string) []byte {
	t.Helper()
	descriptor, _, err := s.messageOf([]byte(indexes))
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(descriptor)
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(indexes), data...)
}

const (
	isOther = "\x00"         // the first message
	isOrder = "\x02\x02"     // one index: 1
	isLine  = "\x04\x02\x00" // two: 1, 0
)

const orderText = `{"orderId":"o1","customerId":"9007199254740993","big":"18446744073709551615",` +
	`"total":{"currency":"EUR","cents":"-5"},"placedAt":"2026-10-05T10:00:00.123Z","state":"PAID",` +
	`"lines":[{"sku":"A","n":1},{"sku":"B"}],"tags":{"b":1.5,"a":"NaN"},"raw":"AP8=","weight":0.1,"points":"7",` +
	`"extra":{"k":[1,null]},"bill":"b","parent":{"orderId":"o0"},"byNumber":{"7":{"sku":"C"}}}`

const orderJSON = `{"order_id":"o1","customer_id":9007199254740993,"big":18446744073709551615,` +
	`"total":{"currency":"EUR","cents":-5},"placed_at":"2026-10-05T10:00:00.123Z","state":"PAID",` +
	`"lines":[{"sku":"A","n":1},{"sku":"B","n":0}],"tags":{"a":"NaN","b":1.5},"raw":"AP8=","gift":false,"weight":0.1,` +
	`"points":7,"extra":{"k":[1,null]},"bill":"b","parent":{"order_id":"o0","customer_id":0,"big":0,"state":"OPEN",` +
	`"lines":[],"tags":{},"raw":"","gift":false,"weight":0,"by_number":{}},"by_number":{"7":{"sku":"C","n":0}}}`

func TestAppend(t *testing.T) {
	s := parse(t)
	for _, test := range []struct{ indexes, text, want string }{
		{isOrder, orderText, orderJSON},
		{isOther, `{"x":"\u00e9\""}`, `{"x":"é\""}`},
		{isLine, `{"n":-1}`, `{"sku":"","n":-1}`},
	} {
		got, err := s.Append([]byte("x"), encoded(t, s, test.indexes, test.text))
		if err != nil || string(got) != "x"+test.want {
			t.Errorf("%v\n%s\n%s", err, got, test.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	s := parse(t)
	for data, want := range map[string]error{
		"":                       errIndexes,
		"\x02":                   errIndexes,
		"\x01":                   errIndexes,
		"\x02\x08":               errMessage,
		"\x02\x01":               errMessage,
		isOrder + "\x0a\x05a":    errEncoding,
		isOrder + "\x0a\x01\xff": errEncoding,
		isOrder + "\x2a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f": errWellKnown, // far in the future
	} {
		if _, err := s.Append(nil, []byte(data)); !errors.Is(err, want) {
			t.Errorf("%x: %v, want %v", data, err, want)
		}
	}
	for _, many := range []string{strings.Repeat("\x3a\x00", 500_000),
		"\x92\x01\x80\x89\x7a" + strings.Repeat("\x3a\x00", 1_000_000)} { // in the message, and in one within it
		if _, err := s.Append(nil, []byte(isOrder+many)); !errors.Is(err, errMany) {
			t.Errorf("many messages: %v", err)
		}
	}
	large := encoded(t, s, isOrder, `{"orderId":"`+strings.Repeat("k", MaxOutput)+`"}`)
	if _, err := s.Append(nil, large); !errors.Is(err, errLarge) {
		t.Errorf("a large value: %v", err)
	}
}

// What the converter of Kafka Connect writes imports files that no registry has.
func TestKnownImports(t *testing.T) {
	s, err := Parse(t.Context(), `syntax = "proto3"; package srv.orders;
import "confluent/meta.proto"; import "confluent/type/decimal.proto"; import "google/type/date.proto";
import "google/type/money.proto";
message Value {
  option (confluent.message_meta) = {doc: "a row"};
  confluent.type.Decimal total = 1 [(confluent.field_meta) = {params: [{key: "scale", value: "2"}]}];
  google.type.Date born = 2; google.type.Date birthday = 3; google.type.Money price = 4;
}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ text, want string }{
		{`{"total":{"value":"AQI=","scale":2},"born":{"year":1990,"month":1,"day":2},"birthday":{"month":1,"day":2},` +
			`"price":{"currencyCode":"EUR","units":"5"}}`,
			`{"total":2.58,"born":"1990-01-02","birthday":{"year":0,"month":1,"day":2},` +
				`"price":{"currency_code":"EUR","units":5,"nanos":0}}`},
		{`{"total":{}}`, `{"total":0}`},
	} {
		if got, err := s.Append(nil, encoded(t, s, isOther, test.text)); err != nil || string(got) != test.want {
			t.Errorf("%s, %v, want %s", got, err, test.want)
		}
	}
	if _, err := s.Append(nil, encoded(t, s, isOther, `{"total":{"scale":1000000}}`)); err == nil {
		t.Error("a scale without end is taken")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{`{`, `syntax = "proto3"; import "gone.proto";`, `<html>`} {
		if _, err := Parse(t.Context(), text); err == nil {
			t.Errorf("%s is parsed", text)
		}
	}
}

// Whatever the bytes are, the output is JSON, and always the same, or there is an error.
func FuzzAppend(f *testing.F) {
	s := parse(f)
	f.Add(encoded(f, s, isOrder, orderText))
	f.Add(encoded(f, s, isLine, `{"n":7}`))
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
