package resume

import (
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/ciobridge/ciobridge/internal/output"
)

// What the order looks like: a POST with this header, to this path, with names of rules and topics in the query.
// Without any name it is for all that have stopped.
const (
	Path   = "/resume"
	Header = "Ciobridge-Resume" // with any value; pages of other sites cannot send it
	Rule   = "rule"
	Topic  = "topic"
)

// Handler takes the order to resume, from a program on the same machine and from nobody else: it changes what is sent,
// and the admin server knows no passwords. Resume does it, and tells what it has resumed. Check refuses names of no
// rule and of no topic, for which the answer is a 400.
func Handler(
	check func(rules, topics []string) error, resume func(rules, topics []string) []string,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !fromThisMachine(r) {
			http.Error(w, "only a program on the same machine may resume: run ciobridge resume where the bridge runs, "+
				"such as with docker exec or kubectl exec", http.StatusForbidden)
			return
		}
		q := r.URL.Query()
		if err := check(q[Rule], q[Topic]); err != nil {
			http.Error(w, output.Printable(err.Error()), http.StatusBadRequest)
			return
		}
		resumed := resume(q[Rule], q[Topic])
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		for _, what := range resumed {
			fmt.Fprintf(w, "resumed: %s\n", output.Printable(what))
		}
		switch {
		case len(resumed) > 0:
		case len(q[Rule])+len(q[Topic]) > 0:
			fmt.Fprintln(w, "nothing of that has stopped")
		default:
			fmt.Fprintln(w, "nothing has stopped")
		}
	}
}

// fromThisMachine reports whether a request comes from a program on the same machine, straight and not by way of a
// proxy or of a page in a browser: pages send no header of our own without asking first, and the name of the host is
// looked at because a foreign one can lead here.
func fromThisMachine(r *http.Request) bool {
	if r.Header.Get(Header) == "" || !isLoopback(r.RemoteAddr) || !isLoopback(r.Host) {
		return false
	}
	return !slices.ContainsFunc([]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "Origin"},
		func(name string) bool { return r.Header.Get(name) != "" })
}

// isLoopback reports whether an address with or without a port is that of the machine itself.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
