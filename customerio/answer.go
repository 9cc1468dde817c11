package customerio

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Answer is what one exchange with Customer.io brought. It holds nothing that Customer.io wrote, only what was
// understood of it, unless the request asks for what was written.
type Answer struct {
	// Status is the HTTP status, 0 where no answer came.
	Status int
	// Verdict is what VerdictOf says of the answer.
	Verdict Verdict
	// Cause says in one word what was wrong; empty where the request was taken or refused as it should be.
	Cause Cause
	// Errors is what the body says about single calls.
	Errors ErrorBody
	// RetryAfter is how long Customer.io asks to be left alone, at most 15 minutes; 0 where it does not ask.
	RetryAfter time.Duration
	// Content is what Customer.io wrote, where the request's Keep asks for it and nothing of it broke off.
	Content *Content
	// Sent is true when the whole request was handed to the network, so that Customer.io may have acted on it.
	Sent bool
	// Withheld is true where the request's Until passed before all of it was handed to the network, so that nothing
	// came of it. All else is empty then.
	Withheld bool
	// NewCredentials is true on a 401 to credentials that have been replaced meanwhile: the next request uses the new
	// ones.
	NewCredentials bool
}

// Content is the body of an answer as the server wrote it. It may hold personal data.
type Content struct {
	Type string // of the header Content-Type
	Body []byte
	Cut  bool // the body is longer than was to be kept, and left out
}

// bodyOf reads the body of an answer as its request makes one expect. What App was asked for is any JSON, and a list of
// errors may be just what was asked for; what was asked for as something else is not looked at.
func bodyOf(r Request, status int, body []byte) ErrorBody {
	clean := ErrorBody{Shape: ShapeClean}
	asked := r.Endpoint == App || r.Endpoint == Beta
	switch long := int64(len(body)) > r.most(); {
	case status/100 == 2 && r.Foreign:
		return clean
	case status/100 == 2 && asked && (len(trimSpace(body)) == 0 || json.Valid(body)):
		return clean
	case status/100 == 2 && asked && long && begins(body, "{["):
		return clean // as far as one can see
	case long:
		return ErrorBody{}
	}
	said := ParseErrorBody(body, r.Calls)
	if r.Endpoint != Batch && r.Calls == 1 && said.Shape == ShapeListed && len(said.Refusals) == 0 {
		// The places are those of a batch that somebody has written by hand, as one call.
		return ErrorBody{Shape: ShapeWhole, Refusals: []Refusal{{Problem: ProblemOther}}}
	}
	return said
}

// begins reports whether a body begins with one of some signs.
func begins(body []byte, signs string) bool {
	body = trimSpace(body)
	return len(body) > 0 && strings.IndexByte(signs, body[0]) >= 0
}

// Suspect reports whether one of the request's calls may be what made it fail as a whole. Being asked to slow down,
// refused credentials and a request that never left say nothing about its calls.
func (a Answer) Suspect() bool {
	switch a.Status {
	case 0:
		return a.Sent
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	case http.StatusServiceUnavailable:
		return a.RetryAfter == 0
	}
	return !a.Cause.Halts()
}

// Unsure reports whether the request may have had its effect although the answer does not tell so. What is refused had
// none, and neither had what never left whole, or what the server says it did not begin with.
func (a Answer) Unsure() bool {
	switch {
	case a.Status == http.StatusSeeOther:
		return true
	case a.Verdict != Retry:
		return false
	case a.Status == 0:
		return a.Sent && a.Cause != CauseUnexpected
	case a.Status == http.StatusServiceUnavailable:
		return a.RetryAfter == 0 // proxies answer so when the server behind them has gone silent
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly,
		a.Status == http.StatusTooManyRequests, a.Status == http.StatusNotImplemented,
		a.Status == http.StatusHTTPVersionNotSupported:
		return false
	}
	return true
}

// String describes the answer in the bridge's own words, for operators and dead letters.
func (a Answer) String() string {
	switch {
	case a.Status == 0:
		return a.Cause.words()
	case a.Cause == CauseUnexpected:
		return fmt.Sprintf("answer %d with a body that is not Customer.io's", a.Status)
	case a.Status/100 == 2 && a.Cause != "":
		return fmt.Sprintf("answer %d broke off: %s", a.Status, a.Cause.words())
	}
	return "answer " + strconv.Itoa(a.Status)
}

// readAnswer reads a body up to one byte more than a length. One that tells its own takes no more room than that.
func readAnswer(resp *http.Response, most int64) ([]byte, error) {
	if n := resp.ContentLength; n <= 0 || n > 4<<10 {
		return io.ReadAll(io.LimitReader(resp.Body, most+1))
	}
	body := make([]byte, resp.ContentLength)
	n, err := io.ReadFull(resp.Body, body)
	return body[:n], err
}

// maxRetryAfter bounds how long a server can silence the bridge with one answer.
const maxRetryAfter = 15 * time.Minute

// ParseRetryAfter reads a Retry-After header, which is a number of seconds or an HTTP date. The result is between 0 and
// 15 minutes; anything else than these two forms gives 0.
func ParseRetryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}

// causeOfError finds the cause behind an exchange that failed before a status came.
func causeOfError(err error) Cause {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		hostname    x509.HostnameError
		authority   x509.UnknownAuthorityError
		timeout     net.Error
	)
	switch {
	case errors.As(err, &dns):
		return CauseName
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &hostname),
		errors.As(err, &authority):
		return CauseTLS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return CauseTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return CauseRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return CauseRoute
	}
	return CauseReset
}
