package customerio

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whether a request may have had its effect although no answer tells so.
func TestWhatMayHaveBeenDone(t *testing.T) {
	for _, c := range []struct {
		answer Answer
		want   bool
	}{
		{Answer{Status: 200, Verdict: Accepted, Sent: true}, false},
		{Answer{Status: 400, Verdict: Refused, Sent: true}, false},
		{Answer{Status: 401, Verdict: Halt, Cause: CauseCredentials, Sent: true}, false},
		{Answer{Status: 301, Verdict: Halt, Cause: CauseRegion, Sent: true}, false},
		{Answer{Status: 303, Verdict: Halt, Cause: CauseRegion, Sent: true}, true}, // taken
		{Answer{Withheld: true}, false},
		{Answer{Cause: CauseRefused}, false},
		{Answer{Cause: CauseTimeout}, false}, // before all of it was handed over
		{Answer{Cause: CauseTimeout, Sent: true}, true},
		{Answer{Cause: CauseReset, Sent: true}, true},
		{Answer{Cause: CauseUnexpected, Sent: true}, false}, // it could not be written
		{Answer{Status: 200, Cause: CauseReset, Sent: true}, true},
		{Answer{Status: 200, Cause: CauseUnexpected, Sent: true}, true},
		{Answer{Status: http.StatusTooManyRequests, Cause: CauseRate, Sent: true}, false},
		{Answer{Status: http.StatusRequestTimeout, Cause: CauseTimeout, Sent: true}, false},
		{Answer{Status: http.StatusTooEarly, Cause: CauseTimeout, Sent: true}, false},
		{Answer{Status: 500, Cause: CauseServer, Sent: true}, true},
		{Answer{Status: 501, Cause: CauseServer, Sent: true}, false},
		{Answer{Status: 502, Cause: CauseServer, Sent: true}, true},
		{Answer{Status: 503, Cause: CauseUnavailable, Sent: true}, true},
		{Answer{Status: 503, Cause: CauseUnavailable, Sent: true, RetryAfter: time.Second}, false},
		{Answer{Status: 504, Cause: CauseServer, Sent: true}, true},
	} {
		if got := c.answer.Unsure(); got != c.want {
			t.Errorf("%+v: %v", c.answer, got)
		}
	}
}

// What bodies mean that are longer than is read, or name the places of a batch that is one call.
func TestWhatUnusualBodiesMean(t *testing.T) {
	long := func(begin string) string { return begin + strings.Repeat(" ", maxAnswer+1) }
	listed := `{"errors":[{"batch_index":3,"reason":"invalid"}]}`
	for _, c := range []struct {
		endpoint Endpoint
		status   int
		foreign  bool
		body     string
		want     Verdict
	}{
		{App, 200, false, long(`{"results":[`), Accepted},
		{Beta, 200, false, long("\n["), Accepted},
		{App, 200, false, long("<html>"), Retry},
		{App, 200, true, long("a,b"), Accepted},
		{App, 404, true, long("{"), Refused},
		{App, 500, true, long("{"), Retry},
		{Single, 200, false, long("{"), Retry},
		{Batch, 200, false, long("{"), Retry},
		{Single, 207, false, listed, Refused},
		{Single, 200, false, listed, Refused},
		{App, 200, false, listed, Accepted}, // whatever was asked for
		{Batch, 207, false, listed, Accepted},
	} {
		r := Request{Endpoint: c.endpoint, Calls: 1, Foreign: c.foreign}
		if got := VerdictOf(c.endpoint, c.status, false, bodyOf(r, c.status, []byte(c.body))); got != c.want {
			t.Errorf("%s, %d, %v, %.20q: %s, want %s", c.endpoint, c.status, c.foreign, c.body, got, c.want)
		}
	}
}
