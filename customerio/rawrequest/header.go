package rawrequest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/choice"
)

// allowed are the headers that a request of one's own may have. Authorization, Host and Cookie are not among them on
// purpose, and neither is anything that says where a body ends.
var allowed = []string{
	"Accept", "Accept-Language", "Content-Type", "Idempotency-Key", "Traceparent", "Tracestate", "X-Correlation-Id",
	"X-Request-Id", "X-Workspace-Id",
}

// AllowedHeaders lists the headers that a request may have.
func AllowedHeaders() []string { return slices.Clone(allowed) }

// maxHeaderBytes is the longest value of a header.
const maxHeaderBytes = 1000

// CheckHeader says why a request may not have a header of that name, or "".
func CheckHeader(name string) string {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case slices.Contains(allowed, canonical):
		return ""
	case canonical == "Authorization":
		return "is not given: the configuration has what authorises a request"
	case canonical == "X-Strict-Mode":
		return "is not given: Pipelines is always asked to be strict"
	}
	return "is not among the headers that may be given: " + strings.Join(allowed, ", ") +
		choice.Near(canonical, strings.Fields(strings.ToLower(strings.Join(allowed, " "))))
}

// CheckHeaderValue says why a text cannot be the value of a header, or "".
func CheckHeaderValue(value string) string {
	switch {
	case len(value) > maxHeaderBytes:
		return "is longer than 1000 bytes"
	case strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r > 0x7e }):
		return "has a line break, or another character in it that is not printable ASCII"
	}
	return ""
}
