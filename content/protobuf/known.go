package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ciobridge/ciobridge/internal/logical"
)

// known are the files that serializers of the registry have in themselves, so that a schema may import them without
// saying where they are. Kafka Connect's converter imports the first two, and has dates and times of day of the others.
var known = map[string]string{
	"confluent/meta.proto": `syntax = "proto3"; package confluent;
import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }`,
	"confluent/type/decimal.proto": `syntax = "proto3"; package confluent.type;
message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
	"google/type/date.proto": `syntax = "proto3"; package google.type;
message Date { int32 year = 1; int32 month = 2; int32 day = 3; }`,
	"google/type/timeofday.proto": `syntax = "proto3"; package google.type;
message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }`,
	"google/type/money.proto": `syntax = "proto3"; package google.type;
message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }`,
	"google/type/latlng.proto": `syntax = "proto3"; package google.type;
message LatLng { double latitude = 1; double longitude = 2; }`,
	"google/type/decimal.proto": `syntax = "proto3"; package google.type;
message Decimal { string value = 1; }`,
}

// known writes a decimal of Kafka Connect as a number, and a date as RFC 3339 has it where it is one day.
func (w *writer) known(dst []byte, m protoreflect.Message) ([]byte, bool) {
	field := func(name protoreflect.Name) protoreflect.Value {
		f := m.Descriptor().Fields().ByName(name)
		if f == nil {
			return protoreflect.Value{}
		}
		return m.Get(f)
	}
	switch m.Descriptor().FullName() {
	case "confluent.type.Decimal":
		value, scale := field("value"), field("scale")
		digits, isBytes := value.Interface().([]byte)
		places, isInt := scale.Interface().(int32)
		if !isBytes || !isInt {
			return dst, false
		}
		if len(digits) == 0 {
			digits = []byte{0} // zero, as Protobuf leaves out what is empty
		}
		dst, err := logical.AppendDecimal(dst, digits, int(places))
		if err != nil {
			w.fail(err)
		}
		return dst, true
	case "google.type.Date":
		year, isYear := field("year").Interface().(int32)
		month, isMonth := field("month").Interface().(int32)
		day, isDay := field("day").Interface().(int32)
		if !isYear || !isMonth || !isDay || year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 {
			return dst, false // a day of any year, or a month
		}
		return fmt.Appendf(dst, `"%04d-%02d-%02d"`, year, month, day), true
	}
	return dst, false
}
