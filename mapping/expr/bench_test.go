package expr

import (
	"encoding/json"
	"strings"
	"testing"
)

// Events of a shop, one line as publishers send them: 277 and 977 bytes.
var event300 = []byte(`{"id":"evt_01J9ZK3T6Q","type":"shop.page.viewed","time":"2026-03-14T09:26:53Z","user":{"id":"c_7781","email":"ada@example.com"},"data":{"url":"https://shop.example.com/p/4711","title":"Trail shoe","referrer":"https://news.example.org/","ms":1834,"first":false,"campaign":null}}`)

var event1000 = []byte(`{"id":"evt_01J9ZK3T6QWX","type":"shop.order.completed","time":"2026-03-14T09:26:53.120Z","source":"/shop/checkout","user":{"id":"c_7781","email":"ada@example.com","plan":"premium","locale":"de-DE"},"data":{"order_id":"o_99120","customer_id":"c_7781","currency":"EUR","total":184.90,"tax":29.52,"shipping":{"method":"express","address":{"street":"Lindenstrasse 12","city":"Koeln","zip":"50674","country":"DE"}},"coupon":null,"gift":false,"tier":"gold","items":[{"sku":"SHOE-42-BLK","name":"Trail shoe black 42","qty":1,"price":119.95,"tags":["running","outdoor"]},{"sku":"SOCK-M","name":"Wool socks M","qty":3,"price":9.99,"tags":["outdoor"]},{"sku":"BTL-750","name":"Bottle 750 ml","qty":2,"price":17.49,"tags":[]}],"payment":{"provider":"stripe","method":"card","last4":"4242","three_ds":true},"notes":"Please leave at the door, thank you"},"context":{"ip":"203.0.113.7","agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101","session":"s_5b1c7f0e9a","ab":{"checkout":"B"}}}`)

var paths300 = strings.Fields(`.id .type .time .user.id .user.email .data.url .data.title .data.referrer .data.ms .data.campaign`)

var paths1000 = strings.Fields(`.id .type .time .user.email .data.order_id .data.customer_id .data.total .data.currency .data.tier .data.items[0].sku`)

func sealed(b testing.TB, srcs []string) (*Set, []*Program) {
	b.Helper()
	s := NewSet()
	var ps []*Program
	for _, src := range srcs {
		p, err := s.Compile(src, "message", "item")
		if err != nil {
			b.Fatal(err)
		}
		ps = append(ps, p)
	}
	s.Seal()
	return s, ps
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name  string
		raw   []byte
		paths []string
	}{{"300", event300, paths300}, {"1000", event1000, paths1000}} {
		b.Run(c.name+"/ten-paths", func(b *testing.B) {
			s, ps := sealed(b, c.paths)
			var d Document
			b.ReportAllocs()
			b.SetBytes(int64(len(c.raw)))
			for b.Loop() {
				if err := d.Parse(s, c.raw); err != nil {
					b.Fatal(err)
				}
				for _, p := range ps {
					if _, err := p.One(&d); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(c.name+"/encoding-json-Valid", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.raw)))
			for b.Loop() {
				if !json.Valid(c.raw) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
