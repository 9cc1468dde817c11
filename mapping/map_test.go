package mapping

import (
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

const orderRules = `
rules:
  - name: order
    event: shop.order.completed
    if: .data.total > 0
    require: [.data.customer_id]
    do:
      - identify:
          person: .data.customer_id
          attributes: {last_order_at: .time | unix, tier: .data.tier}
          remove: [trial_ends_at]
      - track:
          person: .data.customer_id
          name: order_completed
          data: {total: .data.total, skus: '= [.data.items[].sku]'}
      - each: .data.items[]
        track: {person: .data.customer_id, name: item_bought, data: {sku: $item.sku}}
`

const order = `{"type":"shop.order.completed","time":"2026-11-01T10:00:00Z","data":{"customer_id":7,"total":12.50,"items":[{"sku":"a<b"},{"sku":"c"}]}}`

func compileText(t testing.TB, text string) *Rules {
	t.Helper()
	file, err := ParseRules("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Compile(Config{Rules: file.Rules, Allow: []string{"delete"}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func message(value string) event.Message {
	return event.Message{
		Origin: event.Origin{Topic: "shop.orders", Partition: 3, Offset: 42},
		Value:  []byte(value),
		Time:   time.Unix(1_780_000_000, 0),
	}
}

func TestTry(t *testing.T) {
	r := compileText(t, orderRules)
	calls, failures := r.Map(message(order))
	for _, c := range calls {
		t.Logf("%s %s %s %v", c.ID, c.Step.Call, c.Body, c.Lanes)
	}
	t.Logf("%+v %+v", failures, r.Stats())
}
