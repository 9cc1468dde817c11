package customerio

import (
	"strings"
	"testing"
)

func TestReservedByDefault(t *testing.T) {
	r := NewReserved(ReservedIDs{})
	for _, text := range []string{
		"undefined", "Undefined", "null", "NULL", "None", "nil", "<nil>", "NaN", "N/A", "[object Object]", `"null"`,
		`'undefined'`, `"'null'"`, `""`, "true", "False", "-1",
		"0", "-0", "00", "0.0", "+0", `"0"`, "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
		"{00000000-0000-0000-0000-000000000000}",
		"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "Infinity", "#N/A",
	} {
		if !r.Has([]byte(text)) {
			t.Errorf("%s is not reserved", text)
		}
	}
	for _, text := range []string{
		"1", "10", "-2", "guest", "NA", "0a", "00000000-0000-0000-0000-000000000001", "nullable", "c_7", "undefined_1",
		"nobody@example.com", "null@example.com", "ü", "7", "--", `"c_7"`, "Ünull", "U", "n",
		strings.Repeat("null", 40),
	} {
		if r.Has([]byte(text)) {
			t.Errorf("%s is reserved", text)
		}
	}
}

func TestReservedIDsAddAndAllow(t *testing.T) {
	c := ReservedIDs{Add: []string{"Test-User", "ÜBUNG", "nobody@example.com", `"quoted"`},
		Allow: []string{"0", "None"}}
	if errs := c.Validate(); len(errs) > 0 {
		t.Error(errs)
	}
	r := NewReserved(c)
	for text, want := range map[string]bool{
		"test-user": true, "TEST-USER": true, "Übung": true, "Nobody@Example.com": true, "0": false, "none": false,
		"NONE": false, "00": true, "null": true,
		"00000000-0000-0000-0000-000000000000": true, "test-users": false, "quoted": true, `"Quoted"`: true,
	} {
		if r.Has([]byte(text)) != want {
			t.Errorf("%s: reserved: %t", text, !want)
		}
	}
	for want, c := range map[string]ReservedIDs{
		"add[1]: is empty": {Add: []string{"a", " "}},
		`allow[0]: is not reserved by default, so that it needs no leave`: {Allow: []string{"c_7"}},
		`allow[0]: stands in add, too`:                                    {Add: []string{"0"}, Allow: []string{"'0'"}},
		"add[0]: is empty":                                                {Add: []string{`""`}},
		"allow[0]: is empty":                                              {Allow: []string{`""`}},
		"add[0]: begins or ends with a blank, and such an identifier is refused in any case": {Add: []string{" x"}},
	} {
		if errs := c.Validate(); len(errs) != 1 || errs[0].Error() != want {
			t.Errorf("%v, want %s", errs, want)
		}
	}
}

// What nobody sees would make two people of ids that look alike, and one of what could not be decoded.
func TestIdentifiersHaveNothingUnseen(t *testing.T) {
	for text, want := range map[string]string{
		" c_7": surrounded, "c_7 ": surrounded, "\u00a0c_7": surrounded, "c_7\u3000": surrounded,
		"c_7\u2003": surrounded,
		"c\u200b_7": "has an invisible character", "c_7\u200d": "has an invisible character",
		"\ufeffc_7": "has an invisible character", "c\u00ad_7": "has an invisible character",
		"c\u202e_7": "has an invisible character", "\u2066c_7\u2069": "has an invisible character",
		"c\u2060_7": "has an invisible character", "c\u034f_7": "has an invisible character",
		"c\u3164_7": "has an invisible character", "c\ufe0f": "has an invisible character",
		"c\u180e": "has an invisible character", "c\U000e0041": "has an invisible character",
		"c\u0085_7": "has a control character", "c\u2028_7": "has a control character",
		"c\x00": "has a control character", "c\u009f": "has a control character",
		"\ufffd":    "has U+FFFD, which stands for what could not be decoded",
		"c\ufffd_7": "has U+FFFD, which stands for what could not be decoded", "\u00a0": surrounded,
		"a b": "", "é": "", "日本語": "", "name\u00a0x": "", "😀": "", "straße": "", "ά": "",
	} {
		for _, kind := range []Identifier{ID, AnonymousID} {
			if got := CheckIdentifier(kind, []byte(text)); got != want {
				t.Errorf("%s %q: %q, want %q", kind, text, got, want)
			}
		}
		got := CheckIdentifier(Email, []byte("x"+text+"@example.com"))
		if want == "has an invisible character" && got != want {
			t.Errorf("e-mail with %q: %q", text, got)
		}
	}
}
