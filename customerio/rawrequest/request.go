package rawrequest

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
)

// Methods lists the methods that a request may have.
func Methods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// Repeatable reports whether making a request twice has the same effect as making it once, by what HTTP says of its
// method.
func Repeatable(method string) bool {
	return method == http.MethodGet || method == http.MethodPut || method == http.MethodDelete
}

// Content is the body of a request and its type.
type Content struct {
	Type string
	Body []byte
}

// New writes a request for a path that Path has written. The headers must have been checked; a Content-Type among them
// counts before the content's own. The error is a *SizeError where the body is too large.
func New(api customerio.API, method, path string, query []Pair, header http.Header, content Content) (
	customerio.Request, error) {
	if !slices.Contains(Methods(), method) {
		return customerio.Request{}, fmt.Errorf("the method is none of %s", choice.List(Methods()))
	}
	target := []byte(path)
	if len(query) > 0 {
		target = AppendPairs(append(target, '?'), query)
	}
	if len(target) > customerio.MaxTargetBytes {
		return customerio.Request{}, fmt.Errorf("path and query are longer than %d bytes", customerio.MaxTargetBytes)
	}
	r := customerio.Request{
		Endpoint: customerio.EndpointOf(api, method, path), Method: method, Path: string(target), Calls: 1,
		Header: http.Header{},
	}
	if len(content.Body) > 0 {
		if method == http.MethodGet {
			return customerio.Request{}, fmt.Errorf("a GET has no body")
		}
		if err := checkSize(api, path, content.Body); err != nil {
			return customerio.Request{}, err
		}
		r.Body = [][]byte{content.Body}
		r.Header.Set("Content-Type", content.Type)
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	return r, nil
}
