package emulator

import (
	"net/http"
	"strings"
)

// open reports whether an endpoint wants no credentials.
func open(path string) bool {
	return path == "/api/v1/metrics" || path == "/api/v1/push/events" || path == "/push/events" ||
		strings.HasPrefix(path, "/unsubscribe/")
}

// foreign says that a path belongs to another API of Customer.io, whose clients would take a refusal of their key for
// the reason; empty for any other path.
func foreign(path string) string {
	const known = ", which this emulator does not have: it has the Track API under /api/v1/ and /api/v2/"
	if path == "/v1" || strings.HasPrefix(path, "/v1/") {
		switch strings.TrimPrefix(path, "/v1/") {
		case "identify", "track", "page", "screen", "group", "alias", "batch":
			return "this path belongs to the Pipelines API (cdp.customer.io)" + known
		}
		return "this path belongs to the App API (api.customer.io)" + known
	}
	return ""
}

// oldRoutes are the endpoints of Track v1. A star stands for one segment of the path, which the function gets decoded.
var oldRoutes []oldRoute

type oldRoute struct {
	method  string
	pattern []string
	read    func(x *exchange, args []string)
}

func init() {
	for _, r := range []struct {
		method, pattern string
		read            func(x *exchange, args []string)
	}{
		{"GET", "api/v1/accounts/region", (*exchange).accountRegion},
		{"PUT", "api/v1/customers/*", (*exchange).oldIdentify},
		{"DELETE", "api/v1/customers/*", bare("delete")},
		{"POST", "api/v1/customers/*/suppress", bare("suppress")},
		{"POST", "api/v1/customers/*/unsuppress", bare("unsuppress")},
		{"POST", "api/v1/customers/*/events", (*exchange).oldEvent},
		{"PUT", "api/v1/customers/*/devices", (*exchange).oldAddDevice},
		{"DELETE", "api/v1/customers/*/devices/*", (*exchange).oldDeleteDevice},
		{"POST", "api/v1/events", (*exchange).oldEvent},
		{"POST", "api/v1/merge_customers", (*exchange).oldMerge},
		{"POST", "api/v1/segments/*/*", (*exchange).segment},
		{"POST", "api/v1/forms/*/submit", (*exchange).form},
		{"POST", "api/v1/metrics", (*exchange).metric},
		{"POST", "api/v1/push/events", (*exchange).pushEvent},
		{"POST", "push/events", (*exchange).pushEvent}, // where older clients send it
		{"POST", "unsubscribe/*", (*exchange).unsubscribe},
	} {
		oldRoutes = append(oldRoutes, oldRoute{r.method, strings.Split(r.pattern, "/"), r.read})
	}
}

// old reads a request of Track v1.
func (x *exchange) old() {
	known := false
	for _, r := range oldRoutes {
		args, ok := r.match(x.segments)
		known = known || ok
		if ok && r.method == x.method {
			r.read(x, args)
			return
		}
	}
	if known {
		x.refuse(oldProblem(http.StatusMethodNotAllowed, "method not allowed"), "method not allowed")
		return
	}
	x.refuse(oldProblem(http.StatusNotFound, "not found"), "no such path")
}

func (r oldRoute) match(segments []string) (args []string, ok bool) {
	if len(segments) != len(r.pattern) {
		return nil, false
	}
	for i, p := range r.pattern {
		switch {
		case p == "*":
			args = append(args, segments[i])
		case p != segments[i]:
			return nil, false
		}
	}
	return args, true
}
