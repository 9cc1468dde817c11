package openapitest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	track = "https://track.customer.io"
	item  = `{"batch":[{"type":"person","action":"event","identifiers":{"id":"1"},"name":"n"%s}]}`
)

// Whatever is wrong with a request is told, with its place.
func TestDifferences(t *testing.T) {
	record := New(t)
	for _, c := range []struct{ method, url, body, want string }{
		{"POST", track + "/api/v2/batch", fmt.Sprintf(item, `,"id":"01M3250V3VX67B4YZ41FG9SG4E"`), ""},
		{"POST", "https://track-eu.customer.io/api/v1/segments/7/add_customers?id_type=email", `{"ids":["a@b.c"]}`, ""},
		{"POST", "https://cdp-eu.customer.io/v1/track", `{"type":"track","userId":"1","event":"e"}`, ""},
		{"GET", "https://api-eu.customer.io/v1/activities?type=failed_event&limit=100", "", ""},
		{"GET", "https://api.customer.io/v1/activities?type=_o%3A12%3Afailed_attribute_change", "", ""},
		{"GET", "https://api.customer.io/v1/activities?type=_o%3Aa%3Afailed_attribute_change", "",
			"query/type pattern"},
		{"POST", "https://track.customer.io.example/api/v2/batch", "{}", "host is in no document"},
		{"POST", track + "/api/v3/batch", "{}", "path is not in the document"},
		{"PUT", track + "/api/v2/batch", "{}", "path is not in the document"},
		{"POST", track + "/api/v1/segments/a/add_customers", `{"ids":["1"]}`, "path/segment_id type"},
		{"POST", track + "/api/v1/segments/7/add_customers?id_type=phone", `{"ids":["1"]}`, "query/id_type enum"},
		{"POST", track + "/api/v1/segments/7/add_customers?kind=id", `{"ids":["1"]}`,
			"query/kind is not in the document"},
		{"POST", track + "/api/v1/segments/7/add_customers", `{"ids":[1]}`, "body/ids/* type"},
		{"POST", track + "/api/v1/segments/7/add_customers", `{"ids":[]}`, "body/ids minItems"},
		{"GET", "https://api.customer.io/v1/customers", "", "query/email required"},
		{"GET", "https://api.customer.io/v1/activities?limit=101", "", "query/limit maximum"},
		{"POST", track + "/api/v2/batch", "{", "body is no JSON"},
		{"POST", track + "/api/v2/batch", fmt.Sprintf(item, `,"id":"7"`), "item/id format"},
		{"POST", track + "/api/v2/batch", fmt.Sprintf(item, `,"timestamp":"now"`), "item/timestamp type"},
		{"POST", track + "/api/v2/batch", fmt.Sprintf(item, `,"data":{}`), "item/data is not in the document"},
		{"POST", track + "/api/v2/batch", fmt.Sprintf(item, `,"attributes":{"any":{"thing":1}}`), ""},
		{"POST", track + "/api/v2/batch", `{"batch":[{"type":"object","action":"event"}]}`,
			"item is not in the document"},
		{"POST", track + "/api/v2/batch", `{"batch":[{"type":"person","action":"add_device","identifiers":{"id":"1"},` +
			`"device":{"token":"t","platform":"ios","model":"x"}}]}`, "item/device/model is not in the document"},
		{"POST", track + "/api/v2/batch", `{"batch":[{"type":"person","action":"delete","identifiers":{"id":"1",` +
			`"email":"a@b.c"}}]}`, "item/identifiers several alternatives hold"},
		{"POST", track + "/api/v2/batch", `{"batch":[{"type":"person","action":"merge","primary":{"id":"1"}}]}`,
			"item required secondary"},
		{"DELETE", track + "/api/v1/customers/1", `{"a":1}`, "body is not in the document"},
	} {
		got := record.Differences(Request{Method: c.method, URL: c.url, ContentType: "application/json",
			Body: []byte(c.body)})
		var told []string
		for _, d := range got {
			if rule := d.At + " " + d.Rule; !strings.HasPrefix(d.At, "path/identifier") {
				told = append(told, rule)
			}
		}
		if strings.Join(told, "; ") != c.want {
			t.Errorf("%s %s %s:\ngot  %q\nwant %q", c.method, c.url, c.body, told, c.want)
		}
	}
}

// failures counts what a test would be told.
type failures struct {
	testing.TB
	told int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.told++ }

// A deviation counts where it is listed, and is an error where it does not occur.
func TestDeviationsAreListedAndOccur(t *testing.T) {
	record, told := New(t), &failures{TB: t}
	record.CheckDeviations(told)
	all := 0
	for _, d := range deviations {
		all += len(d.Operations)
	}
	if told.told != all {
		t.Errorf("%d of %d deviations that never occurred were told", told.told, all)
	}
	page := strings.Replace(strings.Replace(item, "event", "page", 1), `"id":"1"`, `"anonymous_id":"v"`, 1)
	if got := record.Differences(Request{"POST", track + "/api/v2/batch", "application/json",
		fmt.Appendf(nil, page, "")}); len(got) > 0 {
		t.Errorf("a deviation that is listed: %v", got)
	}
	told.told = 0
	if record.CheckDeviations(told); told.told != all-2 {
		t.Errorf("%d deviations did not occur, want %d", told.told, all-2)
	}
}

// What goes through the transport is held to the documents, and arrives whole.
func TestTransport(t *testing.T) {
	arrived := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived = string(body)
	}))
	defer server.Close()
	told := &failures{TB: t}
	client := &http.Client{Transport: New(t).Transport(told, http.DefaultTransport)}
	answer, err := client.Post(server.URL, "application/json", strings.NewReader("[1]"))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if arrived != "[1]" || told.told != 1 {
		t.Errorf("arrived %q, told %d differences", arrived, told.told)
	}
}
