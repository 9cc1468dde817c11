package mapping_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/event"
)

// benchRules has ten rules; two of them want the event.
func benchRules() string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 8 {
		fmt.Fprintf(&b, "  - name: other%d\n    event: shop.other%d\n    do: [{track: {person: .data.user.id, name: "+
			"other, data: {a: .data.a%d, b: .data.b}}}]\n", i, i, i)
	}
	b.WriteString(`
  - name: seen
    event: web.viewed
    if: .data.page != null
    do:
      - track: {person: .data.user.id, name: page_seen,
          data: {page: .data.page, price: .data.price, campaign: .data.campaign, title: .data.title}}
  - name: profile
    event: web.*
    require: [.data.user.id]
    do:
      - identify: {person: .data.user.id,
          attributes: {email: .data.user.email, last_seen: .time | unix, plan: .data.user.plan}}
`)
	return b.String()
}

// benchEvent is an event of about the size.
func benchEvent(size int) string {
	e := `{"type":"web.viewed","time":"2026-11-01T10:00:00Z",` +
		`"data":{"user":{"id":"c_1234567","email":"ada@example.com","plan":"pro"},` +
		`"page":"/lamps","price":19.99,"campaign":null,"title":"Lamps & more","rest":[%s]}}`
	var rest []string
	for n := len(e); n < size; n += 34 {
		rest = append(rest, `{"key":"value","n":12345,"ok":true}`)
	}
	return fmt.Sprintf(e, strings.Join(rest, ","))
}

// one is a sequence of one message's calls.
func one(calls []event.Call) iter.Seq[[]event.Call] {
	return func(yield func([]event.Call) bool) { yield(calls) }
}

func BenchmarkMap(b *testing.B) {
	rules := compileText(b, benchRules())
	for _, size := range []int{300, 1000} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			m := message(benchEvent(size))
			b.SetBytes(int64(len(m.Value)))
			b.ReportAllocs()
			for b.Loop() {
				calls, failures := rules.Map(&m)
				if len(calls) != 2 || len(failures) != 0 {
					b.Fatalf("%d calls, %v", len(calls), failures)
				}
				rules.Recycle(one(calls))
			}
		})
	}
}

// Plain rules cost two allocations an event that becomes several calls, one for the calls with their lanes and one for
// the bodies, and none for an event that becomes one, once calls are given back.
func TestAllocationsOfPlainRules(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	rules := compileText(t, benchRules())
	m := message(benchEvent(1000))
	if n := testing.AllocsPerRun(200, func() { rules.Map(&m) }); n > 2 {
		t.Errorf("%v allocations for an event of two calls", n)
	}
	rules, m = compileText(t, shopRules()), message(string(shopEvent(1000)))
	made := make([][]event.Call, 100)
	if n := testing.AllocsPerRun(20, func() {
		for i := range made {
			if made[i], _ = rules.Map(&m); len(made[i]) != 1 {
				t.Fatalf("%d calls", len(made[i]))
			}
		}
		rules.Recycle(slices.Values(made))
	}); n > 5 { // of giving back
		t.Errorf("%v allocations for %d events of one call", n, len(made))
	}
}
