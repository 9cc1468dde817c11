package customerio_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/customerio"
)

func TestCutEndsWhereACharacterDoes(t *testing.T) {
	const family, flag = "👩‍👩‍👧", "e\u0301" // one with joiners, one with a mark
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 4, "long"},
		{"aé", 2, "a"},
		{"日本語", 8, "日本"},
		{family + family, len(family) + 5, family},
		{family + family, len(family), family},
		{"a" + family, len(family), "a"},
		{"a" + flag, 2, "a"},
		{"a👍🏽b", 6, "a"}, // a tone of skin belongs to the hand
		{"", 0, ""},
		{"é", 1, ""},
	} {
		if got := string(customerio.Cut([]byte(c.text), c.most)); got != c.want {
			t.Errorf("%q to %d bytes: got %q, want %q", c.text, c.most, got, c.want)
		}
	}
	// A text of marks alone, which is no writing, does not vanish.
	if got := customerio.Cut([]byte("a"+strings.Repeat("\u0301", 1000)), 1000); len(got) < 900 {
		t.Errorf("got %d bytes", len(got))
	}
}

func FuzzCut(f *testing.F) {
	f.Add("a👩‍👩‍👧é", 3)
	f.Fuzz(func(t *testing.T, text string, most int) {
		if !utf8.ValidString(text) || most < 0 {
			return
		}
		got := string(customerio.Cut([]byte(text), most))
		if len(got) > most || !strings.HasPrefix(text, got) || !utf8.ValidString(got) {
			t.Errorf("%q to %d bytes: got %q", text, most, got)
		}
	})
}

func TestCutNamesFit(t *testing.T) {
	for _, action := range []string{"track", "pageview", "screen"} {
		f := customerio.ParseAction(action).Operation().Field(customerio.NameField)
		long := strings.Repeat("é b ", 300)
		if what := f.CheckName([]byte(long)); what == "" {
			t.Fatalf("%s: the name was to be too long", action)
		}
		cut := f.CutName([]byte(long))
		if what := f.CheckName(cut); what != "" || !strings.HasPrefix(long, string(cut)) || len(cut) < 90 {
			t.Errorf("%s: %q: %s", action, cut, what)
		}
	}
}
