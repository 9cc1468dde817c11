package emulator

import (
	"net/http"
	"strings"
	"testing"
)

// Pages of other sites, also under a name that leads here, can neither read what was sent nor change anything.
func TestPagesOfOtherSitesAreTurnedAway(t *testing.T) {
	c := start(t, Options{Hosts: []string{"Emulator", "192.0.2.7", "[2001:db8::1]"}})
	for _, row := range []struct {
		host, origin, site string
		status             int
	}{
		{"", "", "", 200},
		{"localhost", "", "", 200},
		{"LOCALHOST.:8085", "", "", 200},
		{"shop.localhost:8085", "", "", 200},
		{"[::1]:8085", "", "", 200},
		{"127.9.9.9", "", "", 200},
		{"emulator:8090", "", "", 200},
		{"emulator.:8090", "", "", 200},
		{"192.0.2.7:8090", "", "", 200},
		{"[2001:db8::1]:8090", "", "", 200},
		{"evil.example:8085", "", "", 421},
		{"evil.example:8085", "http://evil.example:8085", "same-origin", 421},
		{"localhost.evil.example", "", "", 421},
		{"127.0.0.1.evil.example", "", "", 421},
		{"192.0.2.8", "", "", 421},
		{"0.0.0.0:8085", "", "", 421},
		{"localhost:8085", "http://localhost:8085", "same-origin", 200},
		{"localhost:8085", "https://localhost:8085", "", 200}, // behind something that ends TLS
		{"localhost:8085", "http://localhost:3000", "same-site", 403},
		{"localhost:8085", "http://evil.example", "", 403},
		{"localhost:8085", "null", "", 403},
		{"localhost:8085", "", "none", 200},
		{"localhost:8085", "", "cross-site", 403},
		{"localhost:8085", "", "same-site", 403},
	} {
		as := func(r *http.Request) {
			if row.host != "" {
				r.Host = row.host
			}
			for key, value := range map[string]string{"Origin": row.origin, "Sec-Fetch-Site": row.site} {
				if value != "" {
					r.Header.Set(key, value)
				}
			}
		}
		before := c.s.Stats().Requests
		for _, request := range []struct{ method, path, body string }{
			{"GET", "/_emulator/receipts", ""},
			{"POST", "/_emulator/reset", ""},
			{"PUT", "/_emulator/credentials", `{"site_id":"` + DefaultSiteID + `","api_key":"` + DefaultAPIKey + `"}`},
			{"POST", "/api/v1/customers/7/suppress", ""},
		} {
			if r := c.do(request.method, request.path, request.body, as); r.status != row.status ||
				row.status != 200 && !strings.Contains(r.body, "error") {
				t.Errorf("%+v: %s %s: %d %s", row, request.method, request.path, r.status, r.body)
			}
		}
		if got := c.s.Stats().Requests > before || row.status == 200; got != (row.status == 200) {
			t.Errorf("%+v: a request that was turned away was carried out", row)
		}
	}
}

// A link to the page may stand on any site; the page cannot be shown inside another, and nothing is taken for what it
// is not.
func TestThePageStandsAlone(t *testing.T) {
	c := start(t, Options{})
	r := c.do("GET", "/", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	if r.status != 200 || !strings.Contains(r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%d %v", r.status, r.header)
	}
	for _, path := range []string{"/", "/_emulator/stats", "/_emulator/none", "/api/v1/accounts/region"} {
		if got := c.do("GET", path, "").header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", path, got)
		}
	}
}

// Keys of a real workspace are not for a program that shows everything to whoever asks.
func TestRealCredentialsAreRefused(t *testing.T) {
	const real = "0a1b2c3d4e5f60718293"
	for _, o := range []Options{{SiteID: real}, {APIKey: real}} {
		if err := o.Validate(); err == nil || strings.Contains(err.Error(), real) {
			t.Errorf("%v", err)
		}
	}
	c := start(t, Options{SiteID: real[1:], APIKey: real + "0"})
	if r := c.do("PUT", "/_emulator/credentials", `{"site_id":"a","api_key":"`+real+`"}`); r.status != 400 ||
		strings.Contains(r.body, real) {
		t.Errorf("%d %s", r.status, r.body)
	}
}
