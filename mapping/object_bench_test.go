package mapping_test

import (
	"strings"
	"testing"
)

// BenchmarkObjects holds objects that are sent whole against the same values named one by one.
func BenchmarkObjects(b *testing.B) {
	item := `{"sku":"SKU-12345","name":"Linen shirt, size 40","quantity":2,"price":19.95}`
	e := `{"type":"e","id":"1","data":{"customer_id":"c_1","sequence":"1.2","total":19.5,"currency":"EUR",` +
		`"channel":"web","items":[` + strings.Repeat(item+",", 7) + item + `],"note":"` + strings.Repeat("on the floor ", 10) + `"}}`
	for _, form := range []struct{ name, call string }{
		{"named", "track: {person: .id, name: x, data: {customer_id: .data.customer_id, sequence: " +
			".data.sequence, total: .data.total, " +
			"currency: .data.currency, channel: .data.channel, " +
			"items: .data.items, note: .data.note}}"},
		{"whole", "track: {person: .id, name: x, data: .data}"},
		{"whole with a field", "track: {person: .id, name: x, data: [.data, {kind: .type}]}"},
		{"whole but a member", "track: {person: .id, name: x, data: .data, except: [note]}"},
		{"attributes", "identify: {person: .id, attributes: .data, except: [items]}"},
	} {
		rules := compileText(b, inRule(form.call))
		b.Run(form.name, func(b *testing.B) {
			m := message(e)
			b.ReportAllocs()
			for b.Loop() {
				calls, failures := rules.Map(&m)
				if len(calls) != 1 || len(failures) > 0 {
					b.Fatal(calls, failures)
				}
				rules.Recycle(one(calls))
			}
		})
	}
}
