package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/mapping/explain"
)

func TestUnnamedNamesTheNearest(t *testing.T) {
	rules := []string{"shop.order.completed", "user.*", "com.example.cart.*.v1", "refund", "*"}
	for typ, want := range map[string]string{
		"shop.order.complete":      `"shop.order.completed"`,
		"Shop.Order.Completed":     `"shop.order.completed"`,
		"shop.odrer.completed":     `"shop.order.completed"`,
		"users.signed_up":          `"user.*"`,
		"com.example.carts.add.v1": `"com.example.cart.*.v1"`,
		"com.acme.refund":          `"refund"`,
		"order.completed":          `"shop.order.completed"`,
	} {
		got := explain.Unnamed(typ, rules[:4])
		if !strings.HasSuffix(got, "; the nearest is "+want) {
			t.Errorf("%s: got %s", typ, got)
		}
	}
	for typ, want := range map[string]string{
		"x":           `no rule names the type "x"; the rules name a and b`,
		"\x00\u202e>": `no rule names the type "\x00\u202e>"; the rules name a and b`,
	} {
		if got := explain.Unnamed(typ, []string{"a", "b", "a"}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	many := []string{"aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg"}
	if got := explain.Unnamed("zzzzzzzz", many); !strings.HasSuffix(got, "aaaa, bbbb, cccc, dddd, eeee and 2 more") {
		t.Errorf("got %s", got)
	}
	if got := explain.Unnamed("x", nil); !strings.HasSuffix(got, "; there is no rule") {
		t.Errorf("got %s", got)
	}
	long := strings.Repeat("a*", 50_000)
	explain.Unnamed(long, []string{long}) // ends
}

func TestReadsNamesThePathsOfAnEvent(t *testing.T) {
	for program, want := range map[string]string{
		".data.total > 0":                              ".data.total",
		".a and (.b | not) or .c == \"x.y\"":           ".a .b .c",
		".items | any(.sku == 1)":                      ".items",
		"any(.items[]; .sku == 1)":                     "",
		`.name | test("a\\.b")`:                        ".name",
		"$message.key == .id":                          "$message.key .id",
		"has(\"a\") and .a":                            ".a",
		"if .a then .b else .c end":                    ".a",
		"(.a // .b) != null":                           ".a .b",
		"[.a, .b] | length > 1":                        ".a .b",
		".a[0].b > -.c":                                ".a[0].b .c",
		`$message.headers["X"] == "y"`:                 `$message.headers["X"]`,
		`.["a"]."b-c".d == ."e-f"`:                     `.["a"]."b-c".d ."e-f"`,
		`.a["x\(.b)"] == .c[1:]`:                       ".a .c",
		"not":                                          "",
		".a > ":                                        "",
		".a and .a":                                    ".a",
		".a?.b == 1":                                   ".a",
		".a and .b and .c and .d and .e and .f and .g": ".a .b .c .d .e .f",
	} {
		if got := explain.Reads(program); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: got %q, want %q", program, got, want)
		}
	}
}
