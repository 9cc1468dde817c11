package customerio

import (
	"strings"
	"testing"
)

func TestCheckIdentifier(t *testing.T) {
	for _, c := range []struct {
		kind Identifier
		text string
		ok   bool
	}{
		{ID, "7", true}, {ID, "a b/ü", true}, {ID, strings.Repeat("x", 150), true},
		{ID, "", false}, {ID, "   ", false}, {ID, "a\tb", false}, {ID, "a\x7f", false},
		{ID, strings.Repeat("x", 151), false},
		{Email, "a@b.example", true}, {Email, "A+b@Example.com", true}, {Email, "a", false}, {Email, "@b", false},
		{Email, "a@", false}, {Email, "a b@c", false}, {Email, strings.Repeat("x", 250) + "@b.cd", false},
		{Phone, "+15551234567", true}, {Phone, "15551234567", false}, {Phone, "+05551234567", false},
		{Phone, "+1555123456789012", false},
		{Phone, "+1 555", false}, {CioID, "03000001a", true}, {CioID, "cio_03", false}, {AnonymousID, "v-1", true},
	} {
		if got := CheckIdentifier(c.kind, []byte(c.text)); (got == "") != c.ok {
			t.Errorf("%s %q: %q", c.kind, c.text, got)
		} else if c.text != "" && len(c.text) > 2 && strings.Contains(got, c.text) {
			t.Errorf("%s: the text is quoted in %q", c.kind, got)
		}
	}
}

func TestIdentifiersHaveNamesOfTheirOwn(t *testing.T) {
	if len(Identifiers()) != 5 {
		t.Errorf("%q", Identifiers())
	}
	for _, name := range Identifiers() {
		if got := ParseIdentifier(name).String(); got != name {
			t.Errorf("%s reads as %s", name, got)
		}
	}
	if ParseIdentifier("") != 0 || ParseIdentifier("mail") != 0 {
		t.Error("an unknown name is an identifier")
	}
}

func TestAppendFolded(t *testing.T) {
	for text, want := range map[string]string{"": "", "Ada@Example.com": "ada@example.com", "ÄDA@x": "äda@x",
		"Bä@X": "bä@x"} {
		if got := string(AppendFolded([]byte(">"), []byte(text))); got != ">"+want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
