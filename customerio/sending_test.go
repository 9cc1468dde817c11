package customerio_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/sending"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"a@b.c":                             "1 a@b.c",
		"a@b.c, d@e.f":                      "2 a@b.c d@e.f",
		`"Doe, Jo" <jo@b.c>,Ann <ann@b.c>,`: "2 jo@b.c ann@b.c",
		`"a \" , b" <q@b.c>`:                "1 q@b.c",
		"{{customer.email}}, a@b.c":         "2 a@b.c",
		`{{ "a,b" | split: "," }}`:          "1",
		"":                                  "0",
		"nobody":                            "is not an e-mail address",
		"a@b.c,,d@e.f":                      "is empty",
		"Ann <ann>":                         "is not an e-mail address",
		"a@b.c d@e.f":                       "is not an e-mail address: it has a space",
	} {
		addresses, count, what := sending.Addresses([]byte(text))
		got := what
		if what == "" {
			got = strings.TrimSpace(fmt.Sprint(count, " ", string(bytes.Join(addresses, []byte(" ")))))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// field finds a field of the table of operations.
func field(t testing.TB, a customerio.Action, key string) *customerio.Field {
	t.Helper()
	for i := range a.Operation().Fields {
		if f := &a.Operation().Fields[i]; f.Key == key {
			return f
		}
	}
	t.Fatalf("%s has no %s", a.Operation().Name, key)
	return nil
}

func TestCheck(t *testing.T) {
	full := base64.StdEncoding.EncodeToString(make([]byte, customerio.MaxAttachmentBytes/2))
	for _, c := range []struct {
		action   customerio.Action
		key      string
		value    string
		what     string // the beginning
		tooLarge bool
	}{
		{customerio.SendEmail, "headers", `{"X-A":"b"}`, "", false},
		{customerio.SendEmail, "headers", `{"X-A:":"b"}`, "has a name", false},
		{customerio.SendEmail, "headers", `{"X-A":7}`, "has a value that is no text", false},
		{customerio.SendEmail, "headers", `{"X-A":"a\r\nBcc: b@c.d"}`, "has a value that is empty, or", false},
		{customerio.SendEmail, "headers", `{"X-A":"ä"}`, "has a value that is empty, or", false},
		{customerio.SendEmail, "headers", `["a"]`, "is no object", false},
		{customerio.SendEmail, "attachments", `{"a.txt":"aGk="}`, "", false},
		{customerio.SendEmail, "attachments", `{"a.txt":"hi"}`, "has a file whose content", false},
		{customerio.SendEmail, "attachments", `{"a.txt":""}`, "has a file whose content", false},
		{customerio.SendEmail, "attachments", `{"a":"aGk="}`, "has a file whose name", false},
		{customerio.SendEmail, "attachments", `{"a.b":"` + full + `","b.b":"` + full + `"}`, "", false},
		{customerio.SendEmail, "attachments", `{"a.b":"` + full + `","b.b":"` + full + `","c.b":"AA=="}`,
			"has files of 2000001 bytes together", true},
		{customerio.SendPush, "custom_device", `{"token":"t","platform":"ios","attributes":{"a":"b"}}`, "", false},
		{customerio.SendPush, "custom_device", `{"token":"t","platform":"web"}`, "has no platform", false},
		{customerio.SendPush, "custom_device", `{"platform":"ios"}`, "has no token", false},
		{customerio.SendPush, "custom_device", `{"token":"t","platform":"ios","last_used":"now"}`, "has a last_used", false},
		{customerio.SendPush, "custom_device", `{"token":"t","platform":"ios","attributes":{"a":1}}`,
			"has an attribute that is no text", false},
		{customerio.SendPush, "custom_device", `{"token":"t","platform":"ios","id":1}`, "has a member that no device", false},
		{customerio.SendPush, "custom_payload", `{"web":{}}`, "has a member that Customer.io does not know", false},
		{customerio.TriggerBroadcast, "recipients", `{"and":[{"segment":{"id":7}},{"not":{"attribute":{"field":"a",` +
			`"operator":"exists"}}}]}`, "", false},
		{customerio.TriggerBroadcast, "recipients", `{"and":[]}`, "has an and", false},
		{customerio.TriggerBroadcast, "recipients", `{"segment":{"id":7},"or":[]}`, "is no filter", false},
		{customerio.TriggerBroadcast, "recipients", `{"segment":{"id":"7"}}`, "has a segment", false},
		{customerio.TriggerBroadcast, "recipients", `{"attribute":{"field":"a","operator":"eq"}}`,
			"has an attribute without the value", false},
		{customerio.TriggerBroadcast, "recipients", `{"attribute":{"field":"a","operator":"is"}}`,
			"has an attribute whose operator", false},
		{customerio.TriggerBroadcast, "recipients", strings.Repeat(`{"not":`, 30) + "1" + strings.Repeat("}", 30),
			"is no filter", false},
		{customerio.TriggerBroadcast, "per_user_data", `[{"id":"1","data":{"a":1}},{"email":"a@b.c"}]`, "", false},
		{customerio.TriggerBroadcast, "per_user_data", `[{"id":"1","email":"a@b.c"}]`, "has an element", false},
		{customerio.TriggerBroadcast, "per_user_data", `[{"data":{}}]`, "has an element", false},
		{customerio.TriggerBroadcast, "per_user_data", `[{"id":"1","data":7}]`, "has an element whose data", false},
		{customerio.TriggerBroadcast, "per_user_data", `{"id":"1"}`, "is no list", false},
	} {
		what, tooLarge := sending.Check(field(t, c.action, c.key), []byte(c.value))
		if !strings.HasPrefix(what, c.what) || (what == "") != (c.what == "") || tooLarge != c.tooLarge {
			t.Errorf("%s %.100s: %q, too large %t", c.key, c.value, what, tooLarge)
		}
	}
}

// FuzzAddresses looks for a text whose addresses are none, or that is quoted in what is wrong with it.
func FuzzAddresses(f *testing.F) {
	for _, text := range []string{"a@b.c", `"x, y" <a@b.c>, {{c}}`, ",", "<", `\"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addresses, count, what := sending.Addresses([]byte(text))
		for _, a := range addresses {
			if customerio.CheckIdentifier(customerio.Email, a) != "" || !strings.Contains(text, string(a)) {
				t.Errorf("%q is an address of %q", a, text)
			}
		}
		if len(addresses) > count || what != "" && count > 0 {
			t.Errorf("%q: %d addresses, count %d, %q", text, len(addresses), count, what)
		}
	})
}
