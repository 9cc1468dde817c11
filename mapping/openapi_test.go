package mapping_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/openapitest"
)

// TestRequestsKeepToTheDocuments holds every request of the examples and of the golden files to the official OpenAPI
// documents, in both regions. A request of one's own is what its rule says, so that only its example counts.
func TestRequestsKeepToTheDocuments(t *testing.T) {
	record := openapitest.New(t)
	checked := map[string]int{}
	check := func(of string, c event.Call) {
		checked[c.Step.Action]++
		for _, region := range []customerio.Region{customerio.US, customerio.EU} {
			for _, d := range record.Differences(wire(region, c)) {
				t.Errorf("%s, %s: %s\n%s", of, c.Step.Action, d, c.Body)
			}
		}
	}
	_, examples := actionExamples(t)
	for i := range examples {
		check("the example", exampleCall(t, &examples[i]))
	}
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rules, messages, err := goldenRules(archive)
		if err != nil {
			continue // it is about mistakes
		}
		for _, m := range messages {
			calls, _ := rules.Map(&m.Message)
			for _, c := range calls {
				if c.Step.Action != customerio.RawRequest.Operation().Name {
					check(name+", "+m.name, c)
				}
			}
		}
	}
	for _, step := range []string{"track: {person: .id", "pageview: {person: .id", "screen: {person: .id",
		"screen: {person: {anonymous_id: .id}", "pageview: {person: {anonymous_id: .id}",
		"track: {person: {cio_id: .id}"} {
		const event = `{"type":"e","id":"u1","v":"%s"}`
		rules := compileText(t, inRule(step+", name: n1, data: {v: .v}}"))
		for _, size := range []int{10, customerio.MaxItemBytes} { // the larger one goes alone
			calls, _ := rules.Map(new(message(fmt.Sprintf(event, strings.Repeat("x", size)))))
			if len(calls) != 1 || (calls[0].Single != nil) != (size > 10) {
				t.Fatalf("%s: %d calls", step, len(calls))
			}
			check(step, calls[0])
		}
	}
	for _, a := range customerio.Actions() {
		if checked[a.Operation().Name] == 0 {
			t.Errorf("%s: no request of it was checked", a.Operation().Name)
		}
	}
	record.CheckDeviations(t)
}

// wire is the request in which a call travels, alone.
func wire(region customerio.Region, c event.Call) openapitest.Request {
	text := requestIn(region, c)
	line, body, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\n")
	method, url, _ := strings.Cut(line, " ")
	r := openapitest.Request{Method: method, URL: url, ContentType: "application/json", Body: []byte(body)}
	if c.Single != nil && c.Single.Raw != nil {
		r.ContentType = http.Header(c.Single.Raw.Header).Get("Content-Type")
	}
	return r
}
