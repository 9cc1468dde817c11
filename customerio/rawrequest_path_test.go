package customerio_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
)

// TestAPathMayHaveItsPrefixOrNot: each API has one form of a path, however it was written.
func TestAPathMayHaveItsPrefixOrNot(t *testing.T) {
	for _, c := range []struct {
		api     customerio.API
		written string
		want    string
	}{
		{customerio.AppAPI, "/v1/customers", "/v1/customers"},
		{customerio.AppAPI, "/v1/api/customers", "/v1/customers"},
		{customerio.AppAPI, "/api/v1/customers", "/v1/customers"},
		{customerio.AppAPI, "/customers", "/v1/customers"},
		{customerio.AppAPI, "customers", "/v1/customers"},
		{customerio.AppAPI, "/campaigns/8/triggers/1", "/v1/campaigns/8/triggers/1"},
		{customerio.AppAPI, "/v1/v1", "/v1/v1"},
		{customerio.BetaAPI, "/v1/api/campaigns/8/triggers/1", "/v1/api/campaigns/8/triggers/1"},
		{customerio.BetaAPI, "/campaigns/8", "/v1/api/campaigns/8"},
		{customerio.BetaAPI, "/v1/campaigns/8", "/v1/api/campaigns/8"},
		{customerio.BetaAPI, "/api/campaigns/8", "/v1/api/campaigns/8"},
		{customerio.PipelinesAPI, "/track", "/v1/track"},
		{customerio.PipelinesAPI, "/v1/track", "/v1/track"},
		{customerio.TrackAPI, "/api/v1/customers/7", "/api/v1/customers/7"},
		{customerio.TrackAPI, "/v1/customers/7", "/api/v1/customers/7"},
		{customerio.TrackAPI, "/customers/7", "/api/v1/customers/7"},
		{customerio.TrackAPI, "/v2/entity", "/api/v2/entity"},
		{customerio.TrackAPI, "/api/v2/batch", "/api/v2/batch"},
		{customerio.TrackAPI, "/entity", "/api/v2/entity"},
		{customerio.TrackAPI, "/batch", "/api/v2/batch"},
		{customerio.TrackAPI, "/unsubscribe/abc", "/unsubscribe/abc"},
		{customerio.TrackAPI, "/auth", "/auth"},
		{customerio.TrackAPI, "/customers/a%2Fb%40c", "/api/v1/customers/a%2Fb%40c"},
		{customerio.TrackAPI, "/customers/a+b@c.org", "/api/v1/customers/a%2Bb%40c.org"},
		{customerio.TrackAPI, "/customers/{.id}", "/api/v1/customers/%7B.id%7D"},
	} {
		path, _, err := rawrequest.ParsePath(c.api, c.written)
		if err != nil {
			t.Errorf("%s %s: %v", c.api, c.written, err)
			continue
		}
		if got, err := path.Append(nil, nil); err != nil || string(got) != c.want {
			t.Errorf("%s %s: %s %v, want %s", c.api, c.written, got, err, c.want)
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for written, want := range map[string]string{
		"":                               "has a part that is empty",
		"/":                              "has a part that is empty",
		"//evil.example/x":               "has a part that is empty",
		"/v1/customers/":                 "has a part that is empty",
		"/v1//customers":                 "has a part that is empty",
		"https://evil.example/v1/x":      "is a URL",
		"/v1/customers/../segments":      "has a step in it",
		"/v1/customers/%2e%2E/segments":  "has a step in it",
		"/v1/customers/%252e%252e/x":     "has a step in it",
		"/v1/customers/a%2F..%2Fb":       "has a step in it",
		"/v1/customers/..%5cb":           "has a step in it",
		"/v1/customers/..;x/b":           "has a step in it",
		"/v1/./customers":                "has a step in it",
		"/v1/customers/a%0d%0aHost:%20b": "has a line break",
		"/v1/customers/a%250d":           "has an encoded control character",
		"/v1/customers/a\r\nHost: b":     "has a line break",
		"/v1/customers/%00":              "has a line break",
		"/v1/customers/%c0%ae":           "is no text in UTF-8",
		"/v1/customers/%25c0%25ae":       "has an encoded control character, or bytes that are no text",
		"/v1/customers/100%":             "has a % in it that encodes nothing",
		"/v1/customers#x":                "has a # in it",
		"/v1/customers?a=b#x":            "has a # in it",
		"/v1/customers?a=%zz":            "has a % in its query that encodes nothing",
		"/v1/customers?=b":               "has a value without a name",
		"/v1/customers/%2F":              "is blank",
		"/v1/customers/%20":              "is blank",
	} {
		if _, _, err := rawrequest.ParsePath(customerio.AppAPI, written); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", written, err, want)
		}
	}
}

func TestQueriesOfAPath(t *testing.T) {
	_, query, err := rawrequest.ParsePath(customerio.AppAPI, "/customers?email=a%2Bb@c.org&x=1+2&flag")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(rawrequest.AppendPairs(nil, query)); got != "email=a%2Bb%40c.org&x=1%202&flag=" {
		t.Error(got)
	}
}

func TestTemplates(t *testing.T) {
	path, query, expressions, err := rawrequest.ParseTemplate(customerio.AppAPI,
		`/customers/{.user_id}/segments/s{ .a["}"] // {"b": 1}.b }-x?id_type=id`)
	if err != nil || strings.Join(expressions, " | ") != `.user_id | .a["}"] // {"b": 1}.b` || len(query) != 1 ||
		path.Places() != 2 || path.String() != "/v1/customers/{}/segments/s{}-x" {
		t.Fatalf("%s %q %v %v", path.String(), expressions, query, err)
	}
	got, err := path.Append([]byte("x"), []string{"a/b?c#d e.f@g", "Å%41"})
	if err != nil || string(got) != "x/v1/customers/a%2Fb%3Fc%23d%20e.f%40g/segments/s%C3%85%2541-x" {
		t.Errorf("%s %v", got, err)
	}
	if _, err := path.Append(nil, []string{"%25252541", "%"}); err != nil {
		t.Errorf("encoded four times over: %v", err)
	}
	for _, c := range []struct {
		first, second string
		place         int
		problem       string
	}{
		{"", "b", 0, "is empty"},
		{"a", "", 1, "is empty"},
		{"..", "b", 0, "has a step in it"},
		{"a/../../x", "b", 0, "has a step in it"},
		{"%2e%2e", "b", 0, "has a step in it"},
		{"a\nb", "b", 0, "has a line break"},
		{"a", "b\x00", 1, "has a line break"},
		{"a\xff", "b", 0, "is no text"},
		{"/", "b", 0, "is blank"},
		{"\uff0e\uff0e", "b", 0, "has a step in it"},
		{"a\uff0f\u2024\ufe52\uff3cb", "b", 0, "has a step in it"},
		{"a/%E2%80%A5", "b", 0, "has a step in it"},
		{"a", "%2525252541", 1, "is percent-encoded too often over"},
	} {
		_, err := path.Append(nil, []string{c.first, c.second})
		var value *rawrequest.ValueError
		if !errors.As(err, &value) || value.Place != c.place || !strings.Contains(value.Problem, c.problem) {
			t.Errorf("%q %q: error %v", c.first, c.second, err)
		}
	}
}

func TestTemplatesThatAreNone(t *testing.T) {
	for written, want := range map[string]string{
		"/{.a}":                "begins with an expression",
		"/v1/{.a}/x":           "begins with an expression",
		"/v1/api/{.a}/x":       "begins with an expression",
		"{.a}":                 "begins with an expression",
		"/customers/{}":        "has braces with nothing between them",
		"/customers/{.a":       "has an opening brace without a closing one",
		"/customers/.a}":       "has a closing brace without an opening one",
		"/customers/{.a}?b=1":  "",
		"/customers?email={.a": "has an opening brace",
		"/customers?a={.a}":    "has an expression behind its question mark",
		"/customers/{.a}/../b": "has a step in it",
		"/customers/{.a}//b":   "has a part that is empty",
	} {
		_, _, _, err := rawrequest.ParseTemplate(customerio.AppAPI, written)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", written, err, want)
		}
	}
}

// TestALongValueCostsLittle: it is looked at a few times, however often it is encoded over.
func TestALongValueCostsLittle(t *testing.T) {
	path, _, _, err := rawrequest.ParseTemplate(customerio.AppAPI, "/customers/{.id}")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := path.Append(nil, []string{"%" + strings.Repeat("25", 500_000)}); err == nil {
		t.Error("a value that is encoded without end is taken")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
