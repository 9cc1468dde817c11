package customerio

import "net/http"

// Cause says in one word why a request was neither taken nor refused. The set is closed: it is a metric's label.
type Cause string

// What can be wrong with the destination. Those of the first group hold everything until somebody mends them.
const (
	CauseCredentials Cause = "credentials" // none, 401 anywhere, 403 on the batch endpoint
	CauseAccount     Cause = "account"     // 402
	CauseRegion      Cause = "region"      // 3xx: what is sent here belongs elsewhere
	CausePath        Cause = "path"        // 404, 405, 410, 501 on the batch endpoint
	CauseProxy       Cause = "proxy"       // 407

	CauseRate        Cause = "rate_limited"
	CauseUnavailable Cause = "unavailable"
	CauseServer      Cause = "server_error"
	CauseUnexpected  Cause = "unexpected_answer"
	CauseTimeout     Cause = "timeout"
	CauseName        Cause = "name_not_found"
	CauseRefused     Cause = "connection_refused"
	CauseRoute       Cause = "no_route"
	CauseTLS         Cause = "tls"
	CauseReset       Cause = "connection_lost"
)

// Causes lists every cause once, those that halt first.
func Causes() []Cause {
	return []Cause{
		CauseCredentials, CauseAccount, CauseRegion, CausePath, CauseProxy,
		CauseRate, CauseUnavailable, CauseServer, CauseUnexpected, CauseTimeout, CauseName, CauseRefused,
		CauseRoute, CauseTLS, CauseReset,
	}
}

// Halts reports whether the cause lasts until somebody mends it.
func (c Cause) Halts() bool {
	switch c {
	case CauseCredentials, CauseAccount, CauseRegion, CausePath, CauseProxy:
		return true
	}
	return false
}

// causeOfStatus finds what a status says about the destination; empty where it speaks of the calls or says that all is
// well.
func causeOfStatus(endpoint Endpoint, status int) Cause {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden && endpoint == Batch:
		return CauseCredentials
	case status == http.StatusPaymentRequired:
		return CauseAccount
	case status == http.StatusProxyAuthRequired:
		return CauseProxy
	case status/100 == 3:
		return CauseRegion
	case endpoint == Batch && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed ||
		status == http.StatusGone || status == http.StatusNotImplemented):
		return CausePath
	case status == http.StatusTooManyRequests:
		return CauseRate
	case status == http.StatusServiceUnavailable:
		return CauseUnavailable
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return CauseTimeout
	case status/100 == 2, status/100 == 4:
		return ""
	case status/100 == 5:
		return CauseServer
	}
	return CauseUnexpected
}

// words describes a failure to get any answer.
func (c Cause) words() string {
	switch c {
	case CauseTimeout:
		return "no answer in time"
	case CauseName:
		return "the host's name was not found"
	case CauseRefused:
		return "connection refused"
	case CauseRoute:
		return "no route to the host"
	case CauseTLS:
		return "the TLS handshake failed"
	case CauseUnexpected:
		return "the request cannot be written"
	case CauseCredentials:
		return "the credentials cannot be read"
	}
	return "connection lost"
}
