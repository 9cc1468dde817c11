package internal_test

import (
	"testing"

	"github.com/ciobridge/ciobridge/internal/foreign"
)

func TestForeign(t *testing.T) {
	for _, c := range []struct {
		name  string
		check func(string) string
		odd   []string
		fine  []string
	}{
		{"texts", foreign.Text,
			[]string{"{{ event.id }}", "Hello {{customer.name}}", "{% if x %}", "“order”", "‘x’", "„x“", "«x»"},
			[]string{"", "order", "it’s", "Ada’s “best” day", "{a}", "100 %", "{ {"}},
		{"expressions", foreign.Program,
			[]string{".a | “x”", `"{{.a}}"`, "{{.a}}", `.a == ‘b’`, `"a" + “b”`},
			[]string{"", ".a", `"it’s “so”"`, `{a: {b: .c}}`, `"\"’"`, `"\(.a) %"`}},
		{"types", foreign.Pattern,
			[]string{"order.>", ">", "order.#", "^order", "order$", `order\..*`, "(a|b)", "[ab]", "order.+", "order?",
				"{{ type }}", "“order”"},
			[]string{"", "order", "order.*", "*", "com.shop.*.v1", "Order Completed", "Viewed Page (Pricing)",
				"Any Questions?", "user:signed_up", "a/b-c_d", "orders.upsert", "order.>.x", "#1", "a>b",
				"$KV.people"}},
	} {
		for _, s := range c.odd {
			if c.check(s) == "" {
				t.Errorf("%s: nothing is odd about %q", c.name, s)
			}
		}
		for _, s := range c.fine {
			if got := c.check(s); got != "" {
				t.Errorf("%s: %q: %s", c.name, s, got)
			}
		}
	}
}
