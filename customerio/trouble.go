package customerio

import "net/http"

// Trouble says in one word why a request was neither taken nor refused. The set is closed: it is a metric's label.
type Trouble string

// What can be wrong with the destination. Those of the first group hold everything until somebody mends them.
const (
	TroubleCredentials Trouble = "credentials" // 401 anywhere, 403 on the batch endpoint
	TroubleAccount     Trouble = "account"     // 402
	TroubleRegion      Trouble = "region"      // 3xx: what is sent here belongs elsewhere
	TroublePath        Trouble = "path"        // 404, 405, 410, 501 on the batch endpoint
	TroubleProxy       Trouble = "proxy"       // 407

	TroubleRate        Trouble = "rate_limited"
	TroubleUnavailable Trouble = "unavailable"
	TroubleServer      Trouble = "server_error"
	TroubleUnexpected  Trouble = "unexpected_answer"
	TroubleTimeout     Trouble = "timeout"
	TroubleName        Trouble = "name_not_found"
	TroubleRefused     Trouble = "connection_refused"
	TroubleRoute       Trouble = "no_route"
	TroubleTLS         Trouble = "tls"
	TroubleReset       Trouble = "connection_lost"
)

// Troubles lists every trouble once, those that halt first.
func Troubles() []Trouble {
	return []Trouble{
		TroubleCredentials, TroubleAccount, TroubleRegion, TroublePath, TroubleProxy,
		TroubleRate, TroubleUnavailable, TroubleServer, TroubleUnexpected, TroubleTimeout, TroubleName, TroubleRefused,
		TroubleRoute, TroubleTLS, TroubleReset,
	}
}

// Halts reports whether the trouble lasts until somebody mends it.
func (t Trouble) Halts() bool {
	switch t {
	case TroubleCredentials, TroubleAccount, TroubleRegion, TroublePath, TroubleProxy:
		return true
	}
	return false
}

// troubleOf finds what a status says about the destination; empty where it speaks of the calls or says that all is well.
func troubleOf(endpoint Endpoint, status int) Trouble {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden && endpoint == Batch:
		return TroubleCredentials
	case status == http.StatusPaymentRequired:
		return TroubleAccount
	case status == http.StatusProxyAuthRequired:
		return TroubleProxy
	case status/100 == 3:
		return TroubleRegion
	case endpoint == Batch && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed ||
		status == http.StatusGone || status == http.StatusNotImplemented):
		return TroublePath
	case status == http.StatusTooManyRequests:
		return TroubleRate
	case status == http.StatusServiceUnavailable:
		return TroubleUnavailable
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return TroubleTimeout
	case status/100 == 2, status/100 == 4:
		return ""
	case status/100 == 5:
		return TroubleServer
	}
	return TroubleUnexpected
}

// words describes a failure to get any answer.
func (t Trouble) words() string {
	switch t {
	case TroubleTimeout:
		return "no answer in time"
	case TroubleName:
		return "the host's name was not found"
	case TroubleRefused:
		return "connection refused"
	case TroubleRoute:
		return "no route to the host"
	case TroubleTLS:
		return "the TLS handshake failed"
	case TroubleUnexpected:
		return "the request cannot be written"
	}
	return "connection lost"
}
