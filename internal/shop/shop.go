package shop

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A Sample is one event of the shop, and the subject to publish it to.
type Sample struct {
	Subject string
	Value   []byte
}

// Recalled is a product of which the demo's Customer.io takes no calls, so that there is something that only the
// answer tells.
const Recalled = "RECALLED-13"

// A Shop makes up the events of a small shop. The same seed and time give the same events.
type Shop struct {
	rand      *rand.Rand
	now       time.Time
	joined    int
	customers []*customer // who has an account now
}

type customer struct{ id, name, plan string }

// New opens a shop at a time from which on its events happen.
func New(seed uint64, now time.Time) *Shop {
	return &Shop{rand: rand.New(rand.NewPCG(seed, seed)), now: now.UTC()}
}

var (
	names    = []string{"Ada", "Bo", "Chidi", "Dana", "Émile", "Farah", "Goran", "Hana", "Ines", "Jun", "Kofi", "Łucja"}
	plans    = []string{"free", "trial", "basic", "pro"}
	products = []string{"LAMP-01", "DESK-02", "CHAIR-03", "RUG-04", "SHELF-05", "VASE-06"}
	pages    = []string{"/", "/lamps", "/desks", "/chairs", "/sale", "/help/returns"}
	sources  = []string{"newsletter", "search", "friend", "ad"}
)

// LongestPause is the longest time between two events of the shop.
const LongestPause = 2 * time.Second

// Next is the next event: mostly page views and orders, and two in a hundred that are broken.
func (s *Shop) Next() Sample {
	s.now = s.now.Add(time.Duration(s.rand.Int64N(int64(LongestPause))))
	n := s.rand.IntN(100)
	if len(s.customers) < 3 {
		n = 0
	}
	switch {
	case n < 14:
		return s.signUp()
	case n < 56:
		return s.pageView()
	case n < 78:
		return s.order(s.product())
	case n < 90:
		return s.planChange()
	case n < 94:
		return s.event("events.stock", "warehouse.stock_counted",
			map[string]any{"sku": s.product(), "count": s.rand.IntN(500)})
	case n < 96:
		return s.event("events.orders", "shop.order.completed",
			map[string]any{"customer_id": s.customer().id, "total": 0, "items": []any{}})
	case n < 98:
		return s.deletion()
	}
	return s.broken()
}

func pick[T any](s *Shop, from []T) T { return from[s.rand.IntN(len(from))] }

func (s *Shop) customer() *customer { return pick(s, s.customers) }
func (s *Shop) product() string     { return pick(s, products) }

func (s *Shop) event(subject, kind string, data map[string]any) Sample {
	value, err := json.Marshal(map[string]any{"type": kind, "time": s.now.Format(time.RFC3339), "data": data})
	if err != nil {
		panic(err) // strings, numbers, maps and lists always encode
	}
	return Sample{subject, value}
}

func (s *Shop) signUp() Sample {
	s.joined++
	c := &customer{id: fmt.Sprintf("c_%d", s.joined), name: pick(s, names), plan: pick(s, plans)}
	s.customers = append(s.customers, c)
	return s.event("events.people", "user.signed_up", s.account(c))
}

// account is what a sign-up tells of a customer.
func (s *Shop) account(c *customer) map[string]any {
	data := map[string]any{
		"user_id": c.id, "email": fmt.Sprintf("%s@example.com",
			c.id), "first_name": c.name, "plan": c.plan, "source": pick(s, sources),
	}
	if c.plan == "trial" {
		data["trial_ends_at"] = s.now.AddDate(0, 0, 14).Format(time.RFC3339)
	}
	return data
}

func (s *Shop) pageView() Sample {
	path := pick(s, pages)
	data := map[string]any{"visitor_id": fmt.Sprintf("v_%d", s.rand.IntN(5000)), "path": path,
		"url": "https://shop.example" + path}
	if s.rand.IntN(3) > 0 {
		data["user_id"] = s.customer().id
	}
	return s.event("events.web", "web.page_viewed", data)
}

func (s *Shop) order(sku string) Sample {
	items := []map[string]any{{"sku": sku, "quantity": 1 + s.rand.IntN(3), "price": 19.5 + float64(s.rand.IntN(400))}}
	for len(items) < 4 && s.rand.IntN(2) == 0 {
		items = append(items, map[string]any{"sku": s.product(), "price": 9.25})
	}
	total := 0.0
	for _, item := range items {
		quantity, ok := item["quantity"].(int)
		if !ok {
			quantity = 1
		}
		total += float64(quantity) * item["price"].(float64)
	}
	return s.event("events.orders", "shop.order.completed", map[string]any{
		"customer_id": s.customer().id, "order_id": fmt.Sprintf("o_%08x", s.rand.Uint32()), "total": total,
		"currency": "EUR",
		"tier":     "gold", "items": items,
	})
}

// planChange is a change of plan, and sometimes one to the plan that the customer has.
func (s *Shop) planChange() Sample {
	c := s.customer()
	before := c.plan
	c.plan = pick(s, plans)
	return s.event("events.people", "user.plan_changed", map[string]any{
		"user_id": c.id, "previous_plan": before, "plan": c.plan, "monthly_price": float64(s.rand.IntN(50)) + 0.9,
	})
}

func (s *Shop) deletion() Sample {
	i := s.rand.IntN(len(s.customers))
	c := s.customers[i]
	s.customers = append(s.customers[:i], s.customers[i+1:]...)
	return s.event("events.people", "user.deleted", map[string]any{"user_id": c.id})
}

// broken is an event that must end as a dead letter.
func (s *Shop) broken() Sample {
	switch s.rand.IntN(6) {
	case 0: // cut in the middle
		whole := s.order(s.product())
		return Sample{whole.Subject, whole.Value[:len(whole.Value)/2]}
	case 1: // nobody
		return s.event("events.orders", "shop.order.completed", map[string]any{"total": 12.5, "items": []any{}})
	case 2: // somebody with two ids
		return Sample{"events.people", []byte(`{"type":"user.deleted","data":{"user_id":"c_1","user_id":"c_2"}}`)}
	case 3: // a value that Customer.io would not take
		s.joined++
		data := s.account(&customer{id: fmt.Sprintf("c_%d", s.joined), name: strings.Repeat("Ada ", 300), plan: "free"})
		return s.event("events.people", "user.signed_up", data)
	case 4: // no type
		return s.event("events.web", "", map[string]any{"user_id": s.customer().id})
	}
	return s.order(Recalled)
}
