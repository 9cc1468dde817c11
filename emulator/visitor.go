package emulator

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// A web page that somebody has open in a browser can send requests to this machine, and a name of its own can be made
// to lead here (DNS rebinding), so that the page may read the answers too. Neither is let in: the emulator shows what
// was sent to it without asking for credentials.

// turnAway says why a request is not answered, and with what status; 0 for one that is.
func (s *Server) turnAway(r *http.Request) (status int, why string) {
	host := hostname(r.Host)
	if !local(host) && customerIOHosts[host] == "" && !slices.Contains(s.hosts, host) {
		return http.StatusMisdirectedRequest,
			"this emulator does not answer to this host name: ask for localhost, or name the host with --host"
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host {
		return http.StatusForbidden, "requests of other sites' pages are not taken"
	}
	// The page itself holds no data, and a link to it may stand anywhere.
	if r.URL.Path == "/" && r.Method == http.MethodGet {
		return 0, ""
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return http.StatusForbidden, "requests of other sites' pages are not taken"
	}
	return 0, ""
}

// hostname is the name or address of a host without its port, as names are compared.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// local reports whether a name or address means this machine whatever a name server says.
func local(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
