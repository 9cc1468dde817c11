package customerio_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
)

func TestParseErrorBody(t *testing.T) {
	whole := func(p customerio.Problem, field string) customerio.ErrorBody {
		return customerio.ErrorBody{Shape: customerio.ShapeWhole,
			Refusals: []customerio.Refusal{{Problem: p, Field: field}}}
	}
	listed := func(r ...customerio.Refusal) customerio.ErrorBody {
		return customerio.ErrorBody{Shape: customerio.ShapeListed, Refusals: r}
	}
	unplaced := func(n int, r ...customerio.Refusal) customerio.ErrorBody {
		return customerio.ErrorBody{Shape: customerio.ShapeListed, Refusals: r, Unplaced: n}
	}
	clean, empty, unreadable := customerio.ErrorBody{Shape: customerio.ShapeClean},
		customerio.ErrorBody{Shape: customerio.ShapeEmpty}, customerio.ErrorBody{}
	for _, c := range []struct {
		body string
		want customerio.ErrorBody
	}{
		{"", empty},
		{" \r\n", empty},
		{"{}", clean},
		{"{}\n", clean},
		{`{"new_field":[1,2]}`, clean},
		{`{"errors":null,"meta":null}`, clean},
		{`{"errors":[],"meta":{"errors":[]}}`, clean},
		{`"{}"`, clean},
		{`""`, unreadable},
		{`"text"`, unreadable},
		{`"\"{}\""`, unreadable}, // wrapped twice
		{"null", unreadable},
		{"[]", unreadable},
		{"[{}]", unreadable},
		{"200", unreadable},
		{"{} {}", unreadable},
		{`{"errors":[`, unreadable},
		{`{"errors":"no"}`, unreadable},
		{`{"errors":{"0":"no"}}`, unreadable},
		{"<!DOCTYPE html>", unreadable},
		{"\x1f\x8b\x08", unreadable}, // gzip
		{`{"meta":{"error":"event name must not be blank"}}`, whole(customerio.ProblemRequired, "")},
		{`{"meta":{"errors":["cannot identify more than 300 attributes in one request"]}}`,
			whole(customerio.ProblemMany, "")},
		{`{"meta":{"error":{"nested":1}}}`, whole(customerio.ProblemOther, "")},
		{`{"errors":[{"reason":"invalid","field":"body","message":"must be valid JSON"}]}`,
			whole(customerio.ProblemInvalid, "body")},
		{`{"errors":["id attribute must be a string value"]}`, whole(customerio.ProblemType, "")},
		{`{"errors":[{"detail":"unauthorized","status":"401"}]}`, whole(customerio.ProblemOther, "")},
		{`{"errors":[{"batch_index":1,"reason":"invalid","field":"attributes.plan",` +
			`"message":"property value cannot be longer than 1000 bytes"}]}`,
			listed(customerio.Refusal{Index: 1, Problem: customerio.ProblemLong, Field: "attributes.plan"})},
		{`{"errors":[{"batch_index":2,"reason":"required","field":"name"},` +
			`{"batch_index":0,"field":"primary.id","message":"must be a string or a number"}]}`,
			listed(customerio.Refusal{Index: 2, Problem: customerio.ProblemRequired, Field: "name"},
				customerio.Refusal{Index: 0, Problem: customerio.ProblemType, Field: "primary.id"})},
		{`{"errors":[{"batch_index":1,"field":"a"},{"batch_index":1,"field":"b"}]}`,
			listed(customerio.Refusal{Index: 1, Problem: customerio.ProblemOther, Field: "a"})},
		{`{"errors":[{"batch_index":1,"reason":7,"field":[],"message":{}}]}`,
			listed(customerio.Refusal{Index: 1, Problem: customerio.ProblemOther})},
		{`{"errors":[{"batch_index":1},{"reason":"invalid"}]}`, whole(customerio.ProblemInvalid, "")},
		{`{"errors":[{"reason":"required","field":"name"},{"batch_index":1}]}`,
			whole(customerio.ProblemRequired, "name")},
		{`{"errors":[{"batch_index":1},{"batch_index":null},{"batch_index":9}]}`, whole(customerio.ProblemOther, "")},
		{`{"errors":[{"batch_index":1},"must be a string"]}`, whole(customerio.ProblemType, "")},
		{`{"errors":[{"batch_index":7},{"reason":"invalid"}]}`, whole(customerio.ProblemInvalid, "")},
		{`{"errors":[{"batch_index":null}]}`, whole(customerio.ProblemOther, "")},
		{`{"errors":[{"batch_index":3}]}`, unplaced(1)},
		{`{"errors":[{"batch_index":-1}]}`, unplaced(1)},
		{`{"errors":[{"batch_index":0},{"batch_index":9},{"batch_index":9}]}`,
			unplaced(2, customerio.Refusal{Index: 0, Problem: customerio.ProblemOther})},
		{`{"errors":[{"batch_index":"1"}]}`, listed(customerio.Refusal{Index: 1, Problem: customerio.ProblemOther})},
		{`{"errors":[{"batch_index":1.0}]}`, listed(customerio.Refusal{Index: 1, Problem: customerio.ProblemOther})},
		{`{"errors":[{"batch_index":1e0}]}`, listed(customerio.Refusal{Index: 1, Problem: customerio.ProblemOther})},
		{`{"errors":[{"batch_index":1.5}]}`, unplaced(1)},
		{`{"errors":[{"batch_index":true}]}`, unplaced(1)},
		{`{"errors":[{"batch_index":"NaN"}]}`, unplaced(1)},
		{`{"errors":[{"batch_index":99999999999999999999}]}`, unplaced(1)},
		{"\f{}", unreadable}, // white space elsewhere, and not in JSON
		{"\u00a0\"{}\"", unreadable},
		{"\"\\f{}\"", unreadable},
	} {
		if got := customerio.ParseErrorBody([]byte(c.body), 3); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\n got %+v\nwant %+v", c.body, got, c.want)
		}
		wrapped, _ := json.Marshal(c.body)
		if c.want.Shape == customerio.ShapeListed || c.want.Shape == customerio.ShapeWhole {
			if got := customerio.ParseErrorBody(wrapped, 3); !reflect.DeepEqual(got, c.want) {
				t.Errorf("as a string: %s\n got %+v\nwant %+v", c.body, got, c.want)
			}
		}
	}
}

// A field's path may carry a value where an attribute's name comes from the event.
func TestFieldsAreSanitized(t *testing.T) {
	for field, want := range map[string]string{
		"attributes.plan":                       "attributes.plan",
		"cio_relationships[0].identifiers":      "cio_relationships[0].identifiers",
		"attributes.jane@example.com":           "attributes.*.com",
		"attributes.Jane Doe.x":                 "attributes.*.x",
		"attributes." + strings.Repeat("x", 65): "attributes.*",
		"a\nb":                                  "*",
		"<script>":                              "*",
		"":                                      "",
	} {
		body, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"field": field}}})
		if got := customerio.ParseErrorBody(body, 1).Refusals[0].Field; got != want {
			t.Errorf("%q became %q, want %q", field, got, want)
		}
	}
	body, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"field": strings.Repeat("a.", 1000)}}})
	if got := customerio.ParseErrorBody(body, 1).Refusals[0].Field; len(got) > 200 {
		t.Errorf("a field of %d bytes is kept", len(got))
	}
}

func TestParseCleanReportAllocatesNothing(t *testing.T) {
	body := []byte("{}\n")
	if n := testing.AllocsPerRun(100, func() { customerio.ParseErrorBody(body, 500) }); n != 0 {
		t.Errorf("%g allocations for the ordinary answer", n)
	}
}

func FuzzParseErrorBody(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"errors":[{"batch_index":1,"reason":"invalid","field":"attributes.a b","message":"x"}]}`,
		`{"meta":{"error":"x"}}`, `{"meta":{"errors":["x"]}}`, `"{\"errors\":[]}"`, "<html>",
		`{"errors":[{"batch_index":-1}]}`, "\f\"{}\"",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, body []byte, calls int) {
		calls = int(uint(calls) % 1001)
		report := customerio.ParseErrorBody(body, calls)
		seen := map[int]bool{}
		for _, r := range report.Refusals {
			if report.Shape == customerio.ShapeListed && (r.Index < 0 || r.Index >= calls || seen[r.Index]) {
				t.Fatalf("index %d of %d calls", r.Index, calls)
			}
			seen[r.Index] = true
			if r.Problem == "" || len(r.Field) > 200 || strings.ContainsAny(r.Field, " @\n\r<>'\"/") {
				t.Fatalf("refusal %+v", r)
			}
		}
		if has := len(report.Refusals)+report.Unplaced > 0; has != (report.Shape == customerio.ShapeListed ||
			report.Shape == customerio.ShapeWhole) {
			t.Fatalf("shape %d with %d refusals", report.Shape, len(report.Refusals))
		}
		if report.Shape == customerio.ShapeClean && !json.Valid(body) {
			t.Fatalf("%q counts as Customer.io's", fmt.Sprint(body))
		}
	})
}
