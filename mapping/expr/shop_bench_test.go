package expr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// shopPaths are what a rule of a shop reads of an order: its envelope, a condition and the attributes.
var shopPaths = []string{
	".type", ".time", ".id", ".data.total > 0", ".data.customer_id", ".data.customer_id", ".data.sequence",
	".data.total", ".data.currency", ".data.channel", ".data.items", ".data.note",
}

// shopEvents are orders of about the size whose values have other lengths.
func shopEvents(size int) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	var raws [][]byte
	for range 64 {
		raw := string(shopEvent(size - 30 + r.IntN(60)))
		for _, v := range [][]string{
			{"000001234", "1", "771", "000001234", "00000000000123"}, {"done5", "done", "done5", "completed"},
			{".120Z", "Z", ".120Z"}, {"4711", "1", "4711", "99120", "120045011"},
			{"184.90", "7", "12.5", "184.90", "1024.99"}, {"47110", "M", "42-BLK", "47110"},
			{"Linen shirt, size 42", "Socks", "Bottle 750 ml", "Linen shirt, size 42",
				"Trail shoe, black, size 42"}, {"49.95", "5", "49.95", "119.9"},
		} {
			raw = vary(r, raw, v[0], v[1:])
		}
		raws = append(raws, []byte(raw))
	}
	return raws
}

// vary replaces each occurrence of old in raw.
func vary(r *rand.Rand, raw, old string, others []string) string {
	parts := strings.Split(raw, old)
	for i := range parts[1:] {
		parts[i] += others[r.IntN(len(others))]
	}
	return strings.Join(parts, "")
}

// shopEvent is an order of about the size: a list of items, and a note that fills what they leave.
func shopEvent(size int) []byte {
	head := `{"id":"evt_000001234","type":"shop.order.done5","time":"2026-03-14T09:26:53.120Z","data":{"customer_id":"c_00004711","sequence":"4711.12","total":184.90,"currency":"EUR","channel":"web","items":[`
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

// BenchmarkShop parses an order and reads what a rule reads of it.
func BenchmarkShop(b *testing.B) {
	s, ps := sealed(b, shopPaths)
	for _, size := range []int{300, 1000} {
		raw := shopEvent(size)
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) { parseAndRead(b, s, ps, raw) })
		b.Run(fmt.Sprintf("%dB/parse", size), func(b *testing.B) { parseAndRead(b, s, nil, raw) })
		b.Run(fmt.Sprintf("%dB/varied", size), func(b *testing.B) { parseAndRead(b, s, nil, shopEvents(size)...) })
	}
}

func parseAndRead(b *testing.B, s *Set, ps []*Program, raws ...[]byte) {
	b.Helper()
	var d Document
	b.ReportAllocs()
	b.SetBytes(int64(len(raws[0])))
	for n := 0; b.Loop(); n++ {
		if err := d.Parse(s, raws[n%len(raws)]); err != nil {
			b.Fatal(err)
		}
		for _, p := range ps {
			if v, err := p.One(&d); err != nil || v.Kind == Absent {
				b.Fatal(p, err)
			}
		}
	}
}

// BenchmarkShopJQ is BenchmarkShop with one attribute more, which a path gives or which needs gojq.
func BenchmarkShopJQ(b *testing.B) {
	for _, src := range []string{".data.channel", `.data.total * 100 | floor`,
		`[.data.items[] | .quantity * .price] | add`, `.data.items | length`, `.data | del(.items)`} {
		s, ps := sealed(b, append(slices.Clone(shopPaths), src))
		for _, size := range []int{300, 1000} {
			raw := shopEvent(size)
			b.Run(fmt.Sprintf("%dB/%s", size, strings.ReplaceAll(src, "/", "")),
				func(b *testing.B) { parseAndRead(b, s, ps, raw) })
		}
	}
}

// BenchmarkManyRules reads one rule's five paths with the paths of others in the set. Its events are of the kind that
// has a key of its own for each rule.
func BenchmarkManyRules(b *testing.B) {
	for _, rules := range []int{1, 1000} {
		var paths []string
		for i := range rules {
			paths = append(paths, ".type", ".data.total", fmt.Sprintf(".data.f%d", i), fmt.Sprintf(".data.g%d.id", i),
				fmt.Sprintf(".data.items[%d].sku%d", i%3, i))
		}
		s, ps := sealed(b, paths)
		var same, each [][]byte
		for i := range 50 {
			event := func(n int) []byte {
				return fmt.Appendf(nil,
					`{"id":"evt_%d","type":"shop.order.done%d","data":{"customer_id":"c_%d","total":%d.5,"f%d":"%d","g%d":{"id":%d},"items":[{"sku%d":"a"},{"sku%d":"b"},{"sku%d":"c"}]}}`, i, n, i, i, n, i, n, i, n, n, n)
			}
			same, each = append(same, event(0)), append(each, event(i%rules))
		}
		b.Run(fmt.Sprintf("%d/one-type", rules), func(b *testing.B) { parseAndRead(b, s, ps[:5], same...) })
		b.Run(fmt.Sprintf("%d/many-types", rules), func(b *testing.B) { parseAndRead(b, s, ps[:2], each...) })
	}
}

// BenchmarkDataKeys parses maps by id, whose keys never come again.
func BenchmarkDataKeys(b *testing.B) {
	s, _ := sealed(b, []string{".id", ".stock.total"})
	for name, value := range map[string]string{"numbers": "%d", "objects": `{"n":%d,"at":"shelf"}`} {
		r := rand.New(rand.NewPCG(3, 4))
		var raws [][]byte
		for range 200 {
			var members []string
			for range 30 {
				members = append(members, fmt.Sprintf(`"sku_%08d":`+value, r.IntN(1e8), r.IntN(100)))
			}
			raws = append(raws, []byte(`{"id":"e","stock":{`+strings.Join(members, ",")+`,"total":1}}`))
		}
		b.Run(name, func(b *testing.B) { parseAndRead(b, s, nil, raws...) })
	}
}
