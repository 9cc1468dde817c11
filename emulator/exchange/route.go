package exchange

import (
	"net/url"
	"strings"
)

// Split divides the path into decoded segments, and reports whether it is a path at all. Dots are no names: clients
// and proxies resolve them.
func (x *Exchange) Split() bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(x.Path, "/"), "/") {
		s, err := url.PathUnescape(part)
		if err != nil || s == "" || s == "." || s == ".." {
			return false
		}
		x.Segments = append(x.Segments, s)
	}
	return true
}

// Route is an endpoint: a method, and a path in which a star stands for one segment.
type Route[F any] struct {
	method  string
	pattern []string
	handler F
}

// NewRoute makes a route from "METHOD path/*/path".
func NewRoute[F any](endpoint string, handler F) Route[F] {
	method, path, _ := strings.Cut(endpoint, " ")
	return Route[F]{method, strings.Split(path, "/"), handler}
}

// Find gives the handler of the endpoint that was asked for, and the segments that stand for its stars. Known reports
// whether there is such a path, with this method or another one.
func Find[F any](routes []Route[F], method string, segments []string) (handler F, args []string, known, found bool) {
	for _, r := range routes {
		if !r.matches(segments) {
			continue
		}
		known = true
		if r.method == method {
			return r.handler, r.args(segments), true, true
		}
	}
	return handler, nil, known, false
}

func (r Route[F]) matches(segments []string) bool {
	if len(segments) != len(r.pattern) {
		return false
	}
	for i, p := range r.pattern {
		if p != "*" && p != segments[i] {
			return false
		}
	}
	return true
}

func (r Route[F]) args(segments []string) (args []string) {
	for i, p := range r.pattern {
		if p == "*" {
			args = append(args, segments[i])
		}
	}
	return args
}
