package internal_test

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/pseudonym"
)

// replaced learns events and replaces them.
func replaced(t *testing.T, r *pseudonym.Replacer, events ...string) (out []string) {
	t.Helper()
	for _, e := range events {
		r.Learn("", []byte(e))
	}
	for _, e := range events {
		text := string(r.Replace("", []byte(e)))
		if json.Valid([]byte(e)) != json.Valid([]byte(text)) {
			t.Fatalf("%s became %s", e, text)
		}
		out = append(out, text)
	}
	return out
}

func TestValuesKeepTheirShapeAndEquality(t *testing.T) {
	r := pseudonym.New(pseudonym.Options{Personal: []string{"buyer", ".data.ref"}, Keep: []string{"product.name"}})
	out := replaced(t, r,
		`{"type":"order.placed","id":"e-1","total":12.50,"email":"Ann.Smith@Shop.co.uk","first_name":"Ann",`+
			`"user_id":"c_1234567","phone":"+49 (151) 234-567","ip":"93.184.216.34","birthday":"1985-03-02",`+
			`"buyer":{"plan":"gold","age":41},"product":{"name":"Lamp"},"data":{"ref":9007199254740993},`+
			`"note":"Ann (ann.smith@shop.co.uk) called from 2a00:1450::1 about c_1234567","v6":"2a00:1450:4001::1"}`,
		`{"email":"ann.smith@shop.co.uk","text":"{\"user_id\":\"c_1234567\",\"emails\":{\"ann.smith@shop.co.uk\":1}}",`+
			`"other":9007199254740993,"uuid":"keep","deviceId":"3F2504E0-4F89-11D3-9A0C-0305E82C3301","plan":null,`+
			`"payload":"SGVsbG8gQW5uLCB5b3VyIG9yZGVyIG9mIDIwMjYgaXMgaGVyZQ==","created_at":"2026-11-20T10:00:00Z"}`)
	all := strings.Join(out, "\n")
	for _, secret := range []string{"Ann", "Smith", "smith", "shop.co", "1234567", "93.184", "1985-03", "gold",
		"90071992", "3F2504E0", "SGVsbG8", "2a00:1450"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is still in\n%s", secret, all)
		}
	}
	var a, b struct {
		Type, ID, Email, Phone, IP, Birthday, Note, V6, Text, UUID string
		FirstName                                                  string      `json:"first_name"`
		UserID                                                     string      `json:"user_id"`
		Total                                                      json.Number `json:"total"`
		Product                                                    struct{ Name string }
		Data                                                       struct{ Ref json.Number }
		Other                                                      json.Number
		DeviceID                                                   string    `json:"deviceId"`
		CreatedAt                                                  time.Time `json:"created_at"`
	}
	for i, v := range []any{&a, &b} {
		if err := json.Unmarshal([]byte(out[i]), v); err != nil {
			t.Fatalf("%v: %s", err, out[i])
		}
	}
	for what, ok := range map[string]bool{
		"what is not personal": a.Type == "order.placed" && a.ID == "e-1" && a.Total == "12.50" &&
			a.Product.Name == "Lamp" && b.UUID == "keep" && b.CreatedAt.Year() == 2026,
		"an address": regexp.MustCompile(`^[A-Z][a-z]{2}\.[A-Z][a-z]{4}@[a-z]{4}\.[a-z]{2}\.example$`).MatchString(a.Email),
		"equality":   strings.EqualFold(a.Email, b.Email) && a.Data.Ref == b.Other,
		"a text":     strings.HasPrefix(a.Note, a.FirstName+" (") && strings.HasSuffix(a.Note, " about "+a.UserID),
		"a name":     regexp.MustCompile(`^[A-Z][a-z]{2}$`).MatchString(a.FirstName),
		"an id":      regexp.MustCompile(`^[a-z]_[1-9]\d{6}$`).MatchString(a.UserID),
		"a phone":    regexp.MustCompile(`^\+99 \(9\d\d\) \d{3}-\d{3}$`).MatchString(a.Phone),
		"an ip":      netip.MustParseAddr(a.IP).IsPrivate(),
		"an ip6":     strings.HasPrefix(a.V6, "2001:db8:"),
		"a date":     len(a.Birthday) == len("1985-03-02") && a.Birthday != "1985-03-02",
		"a number":   len(a.Data.Ref) == 16,
		"hex":        regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`).MatchString(b.DeviceID),
		"JSON in a text": strings.Contains(b.Text, `"`+a.UserID+`"`) &&
			strings.Contains(b.Text, `"`+b.Email+`":1`),
	} {
		if !ok {
			t.Errorf("%s is not as it should be in\n%s", what, all)
		}
	}
	if n := r.Replaced(); n["email"] != 2 || n["data.ref"] != 1 || n["buyer.plan"] != 1 || n["text.user_id"] != 1 {
		t.Errorf("replaced %v", n)
	}
	if n := r.Kept(); n["type"] != 1 || n["product.name"] != 1 || n["email"] != 0 {
		t.Errorf("kept %v", n)
	}
}

// TestDifferentValuesStayDifferent has more values than there are of their shape.
func TestDifferentValuesStayDifferent(t *testing.T) {
	r := pseudonym.New(pseudonym.Options{})
	seen := map[string]string{}
	for _, id := range strings.Split("0,1,2,3,4,5,6,7,8,9,10,11,12,a,b,c,d,e,f,g,aa,0a", ",") {
		fake := string(r.Replace("user_id", []byte(id)))
		if other, taken := seen[fake]; taken || fake == id {
			t.Errorf("%s and %s became %s", id, other, fake)
		}
		seen[fake] = id
		if again := string(r.Replace("user_id", []byte(id))); again != fake {
			t.Errorf("%s became %s and %s", id, fake, again)
		}
	}
	other := pseudonym.New(pseudonym.Options{})
	if string(other.Replace("user_id", []byte("c_123456789"))) == string(r.Replace("user_id", []byte("c_123456789"))) {
		t.Error("two runs have the same key")
	}
}

func FuzzReplace(f *testing.F) {
	for _, s := range []string{`{"email":"a@b.example","n":-0.5e3,"l":[1,[true,null]]}`, `[]`, `"a"`, `{"ip":"::1"}`,
		`{"a":1,"a":2}`, "{\"a\":\"\u0085\u2028\U000E0001\"}", `{"phone":"+"}`, `{"mail":"a@b.c"}`, `{"zip":-0}`, "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := pseudonym.New(pseudonym.Options{Personal: []string{"n"}})
		r.Learn("", []byte(s))
		out := r.Replace("", []byte(s))
		if begin := strings.TrimSpace(s); json.Valid([]byte(s)) && begin[0] == '{' && !json.Valid(out) {
			t.Errorf("%q became %q", s, out)
		}
	})
}
