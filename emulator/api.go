package emulator

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/app"
	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/pipelines"
	"github.com/ciobridge/ciobridge/emulator/track"
)

// api is one of Customer.io's APIs: how its requests are read, and how the answer is worded anew after a fault found
// something wrong with a call.
type api struct {
	read    func(x *exchange.Exchange, r *http.Request, authentic bool)
	refused func(x *exchange.Exchange)
}

var apis = map[string]api{
	"track":     {track.Read, track.Refused},
	"app":       {app.Read, app.Refused},
	"beta":      {app.Read, app.Refused},
	"pipelines": {pipelines.Read, pipelines.Refused},
	"files":     {read: app.ReadFile}, // what exports link to, which has no calls
}

// read finds out what a request asks for.
func (s *Server) read(x *exchange.Exchange, r *http.Request) {
	name := apiOf(hostname(r.Host), r.URL.Path)
	x.Begin(name, r)
	if !x.Split() {
		x.Refuse(exchange.Meta(http.StatusNotFound, "not found"), "no such path")
		return
	}
	if elsewhere := s.elsewhere(name, r); elsewhere.Status != 0 {
		x.Refuse(elsewhere, "the workspace is in the other region")
		return
	}
	apis[name].read(x, r, s.authentic(name, r))
	s.hold(x)
}

// apiOf tells whose a request is: by the host, if it is one of Customer.io's, and otherwise by the path. Files of
// exports are on every host.
func apiOf(host, path string) string {
	if strings.HasPrefix(path, app.FilePath) {
		return "files"
	}
	if name, ok := customerIOHosts[host]; ok {
		return name
	}
	rest, ok := strings.CutPrefix(path, "/v1/")
	switch {
	case !ok:
		return "track"
	case pipelines.Has(rest):
		return "pipelines"
	case strings.HasPrefix(rest, "api/"):
		return "beta"
	}
	return "app"
}

// customerIOHosts are the hosts whose part the emulator plays, and the API that each has.
var customerIOHosts = map[string]string{
	"track.customer.io": "track", "track-eu.customer.io": "track",
	"api.customer.io": "app", "api-eu.customer.io": "app",
	"beta-api.customer.io": "beta", "beta-api-eu.customer.io": "beta",
	"cdp.customer.io": "pipelines", "cdp-eu.customer.io": "pipelines",
}

// elsewhere is the answer of the App API's US host to a request for a workspace in the EU.
func (s *Server) elsewhere(name string, r *http.Request) exchange.Answer {
	host := hostname(r.Host)
	if s.options.Region != "eu" || host != "api.customer.io" && host != "beta-api.customer.io" {
		return exchange.Answer{}
	}
	a := app.Error(http.StatusMovedPermanently, "wrong datacenter")
	there := strings.Replace(host, ".", "-eu.", 1)
	a.Header = http.Header{"Location": {"https://" + there + r.URL.RequestURI()}}
	return a
}

// authentic reports whether the request carries the workspace's credentials, to a host that knows the workspace.
func (s *Server) authentic(name string, r *http.Request) bool {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	user, password, ok := basicAuth(r)
	bearer, token := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch name {
	case "track":
		ok = ok && same(user, keys.SiteID) && same(password, keys.APIKey)
	case "pipelines": // the key is the user, with a blank password; a client sends it as a token too
		ok = ok && same(user, keys.WriteKey) && password == "" || token && same(bearer, keys.WriteKey)
	default:
		ok = token && same(bearer, keys.AppKey)
	}
	host := hostname(r.Host)
	europe := strings.HasSuffix(host, "-eu.customer.io")
	return ok && (!europe || s.options.Region == "eu" || r.URL.Path == track.RegionPath)
}

func same(given, want string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// basicAuth reads Basic credentials, also where their base64 is the one for URLs, as a client of Customer.io writes it.
func basicAuth(r *http.Request) (user, password string, ok bool) {
	if user, password, ok = r.BasicAuth(); ok {
		return user, password, ok
	}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	decoded, err := base64.URLEncoding.DecodeString(text)
	if !strings.EqualFold(scheme, "basic") || err != nil {
		return "", "", false
	}
	return strings.Cut(string(decoded), ":")
}
