package openapitest

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"slices"
	"testing"
)

// Record holds requests to the documents, and notes which deviations occur. It is for one goroutine at a time.
type Record struct {
	documents []*document
	occurred  map[key]bool
}

// key is one difference that is listed.
type key struct{ operation, at, rule string }

// New makes a Record.
func New(t testing.TB) *Record {
	t.Helper()
	documents, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return &Record{documents: documents, occurred: map[key]bool{}}
}

// Differences gives what is not as the documents say, and is none of the deviations.
func (r *Record) Differences(request Request) []Difference {
	return slices.DeleteFunc(check(r.documents, request), func(d Difference) bool {
		for _, known := range deviations {
			at, _ := path.Match(known.At, d.At) // none of them is malformed
			if at && known.Rule == d.Rule && slices.Contains(known.Operations, d.Operation) {
				r.occurred[key{d.Operation, known.At, d.Rule}] = true
				return true
			}
		}
		return false
	})
}

// Check fails the test where a request has differences.
func (r *Record) Check(t testing.TB, request Request) {
	t.Helper()
	for _, d := range r.Differences(request) {
		t.Errorf("%s\n%s %s\n%s", d, request.Method, request.URL, request.Body)
	}
}

// CheckDeviations fails the test where a deviation did not occur: it is none any more, or nothing shows it.
func (r *Record) CheckDeviations(t testing.TB) {
	t.Helper()
	for _, known := range deviations {
		if known.Reason == "" {
			t.Errorf("the deviation of %q at %s has no reason", known.Operations, known.At)
		}
		for _, operation := range known.Operations {
			if !r.occurred[key{operation, known.At, known.Rule}] {
				t.Errorf("%s: %s: %s: the deviation is listed, and does not occur", operation, known.At, known.Rule)
			}
		}
	}
}

// Transport holds each request to the documents before it passes it on.
func (r *Record) Transport(t testing.TB, next http.RoundTripper) http.RoundTripper {
	return transport{t, r, next}
}

type transport struct {
	t      testing.TB
	record *Record
	next   http.RoundTripper
}

// RoundTrip makes the exchange.
func (w transport) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		request = request.Clone(request.Context())
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	w.record.Check(w.t, Request{Method: request.Method, URL: request.URL.String(),
		ContentType: request.Header.Get("Content-Type"), Body: body})
	return w.next.RoundTrip(request)
}
