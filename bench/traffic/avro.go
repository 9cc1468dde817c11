package traffic

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// Avro is a record as a serializer of a schema registry writes it: the event of the shop in Avro, behind the number of
// AvroSchema.
var Avro = Shape{Name: "avro", Append: appendAvro}

// AvroNumber is the number that AvroSchema has in a registry.
const AvroNumber = 7

// AvroSchema is the schema of the events that Avro holds.
const AvroSchema = `{"type":"record","name":"Event","namespace":"shop","fields":[{"name":"id","type":"string"},` +
	`{"name":"type","type":"string"},{"name":"time","type":"string"},{"name":"data","type":{"type":"record",` +
	`"name":"Data","fields":[{"name":"customer_id","type":"string"},{"name":"sequence","type":"string"},` +
	`{"name":"total","type":"double"},{"name":"currency","type":"string"},{"name":"channel","type":"string"},` +
	`{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[` +
	`{"name":"sku","type":"string"},{"name":"name","type":"string"},{"name":"quantity","type":"int"},` +
	`{"name":"price","type":"double"}]}}},{"name":"note","type":["null","string"]}]}}]}`

// shopEvent is an event of the shop.
type shopEvent struct {
	ID, Type, Time string
	Data           struct {
		CustomerID string `json:"customer_id"`
		Sequence   string
		Total      float64
		Currency   string
		Channel    string
		Items      []struct {
			SKU, Name string
			Quantity  int64
			Price     float64
		}
		Note string
	}
}

func appendAvro(dst []byte, events [][]byte) []byte {
	var e shopEvent
	if err := json.Unmarshal(events[0], &e); err != nil {
		panic(fmt.Sprintf("an event of the shop is no JSON: %v", err))
	}
	dst = binary.BigEndian.AppendUint32(append(dst, 0), AvroNumber)
	d := &e.Data
	for _, s := range []string{e.ID, e.Type, e.Time, d.CustomerID, d.Sequence} {
		dst = appendAvroText(dst, s)
	}
	dst = appendAvroDouble(dst, d.Total)
	dst = appendAvroText(appendAvroText(dst, d.Currency), d.Channel)
	if len(d.Items) > 0 {
		dst = binary.AppendVarint(dst, int64(len(d.Items)))
		for _, item := range d.Items {
			dst = appendAvroText(appendAvroText(dst, item.SKU), item.Name)
			dst = appendAvroDouble(binary.AppendVarint(dst, item.Quantity), item.Price)
		}
	}
	dst = append(dst, 0)              // the end of the items
	dst = binary.AppendVarint(dst, 1) // the second type of the union
	return appendAvroText(dst, d.Note)
}

func appendAvroText(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

func appendAvroDouble(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}
