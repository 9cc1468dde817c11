package mapping_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/mapping"
)

// shopRules has ten rules, each for one type of event.
func shopRules() string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 10 {
		fmt.Fprintf(&b, `  - name: done%d
    event: shop.order.done%d
    if: .data.total > 0
    require: [.data.customer_id]
    do:
      - track: {person: .data.customer_id, name: done%d,
          data: {sequence: .data.sequence, total: .data.total, currency: .data.currency,
          channel: .data.channel, items: .data.items, note: .data.note}}
`, i, i, i)
	}
	return b.String()
}

// shopEvent is an order of about the size: a list of items, and a note that fills what they leave.
func shopEvent(size int) []byte {
	head := `{"id":"evt_000001234","type":"shop.order.done5","time":"2026-03-14T09:26:53.120Z",` +
		`"data":{"customer_id":"c_00004711","sequence":"4711.12","total":184.90,"currency":"EUR",` +
		`"channel":"web","items":[`
	var items []string
	for n := len(head); n+100 < size; n += 80 {
		items = append(items, `{"sku":"SKU-47110","name":"Linen shirt, size 42","quantity":2,"price":49.95}`)
	}
	b := head + strings.Join(items, ",") + `],"note":"`
	for n := 0; len(b) < size-3; n++ {
		b += "delivered to the neighbour on the second floor "[n%47 : n%47+1]
	}
	return []byte(b + `"}}`)
}

// BenchmarkShop maps events that become one call each, beside a mere validation of the same bytes. What counts is the
// ratio of the two: it holds on a busy machine too.
func BenchmarkShop(b *testing.B) {
	rules := compileWith(b, mapping.Config{Topics: []mapping.Topic{{Name: "shop", Envelope: mapping.Envelope{
		Type: mapping.Term{Program: ".type"}, Time: mapping.Term{Program: ".time"}, ID: mapping.Term{Program: ".id"},
	}}}}, shopRules())
	for _, size := range []int{300, 1000} {
		m := message(string(shopEvent(size)))
		m.Origin.Topic = "shop"
		b.Run(fmt.Sprintf("%dB/map", size), func(b *testing.B) {
			b.SetBytes(int64(len(m.Value)))
			b.ReportAllocs()
			for b.Loop() {
				calls, failures := rules.Map(&m)
				if len(calls) != 1 || len(failures) != 0 {
					b.Fatalf("%d calls, %v", len(calls), failures)
				}
				rules.Recycle(one(calls))
			}
		})
		b.Run(fmt.Sprintf("%dB/valid", size), func(b *testing.B) {
			b.SetBytes(int64(len(m.Value)))
			for b.Loop() {
				if !json.Valid(m.Value) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
