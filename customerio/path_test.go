package customerio

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzPaths has no value of an event lead to another path: it stays the one segment that it stands for.
func FuzzPaths(f *testing.F) {
	for _, text := range hostile {
		f.Add([]byte(text))
	}
	f.Fuzz(checkPaths)
}

var hostile = []string{"", ".", "..", "../..", "a/b", "%2e%2e", "?x=1", "#f", "a b", "a\x00b",
	"\r\nHost: x", "//host", "\\", "é", "@"}

func TestPathsStayInTheirSegment(t *testing.T) {
	for _, text := range hostile {
		checkPaths(t, []byte(text))
	}
}

func checkPaths(t *testing.T, value []byte) {
	for _, a := range Actions() {
		op := a.Operation()
		before, after, found := strings.Cut(op.Path, "{}")
		if !found {
			continue
		}
		path := op.RequestPath(value, Email)
		after = strings.ReplaceAll(after, "{kind}", "email")
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || !strings.HasPrefix(path, before) || !strings.HasSuffix(path, after) {
			t.Fatalf("%s: %q, %v", op.Name, path, err)
		}
		segment := strings.TrimSuffix(strings.TrimPrefix(path, before), after)
		if back, err := url.PathUnescape(segment); err != nil || back != string(value) ||
			strings.ContainsAny(segment, "/?#.") {
			t.Fatalf("%s: %q stands as %q", op.Name, value, segment)
		}
	}
}
