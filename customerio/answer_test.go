package customerio_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestParseRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"7":                                7 * time.Second,
		"900":                              15 * time.Minute,
		"901":                              15 * time.Minute,
		"9223372036854775807":              15 * time.Minute,
		"99999999999999999999":             0,
		"-1":                               0,
		"+5":                               0,
		"1.5":                              0,
		"5s":                               0,
		"soon":                             0,
		"Sat, 21 Nov 2026 12:01:30 GMT":    90 * time.Second,
		"Saturday, 21-Nov-26 12:00:30 GMT": 30 * time.Second,
		"Sat Nov 21 12:00:10 2026":         10 * time.Second,
		"Sat, 21 Nov 2026 11:59:00 GMT":    0,
		"Mon, 21 Nov 2033 12:00:00 GMT":    15 * time.Minute,
	} {
		if got := customerio.ParseRetryAfter(header, noon); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "120", "-1", "1e9", "99999999999999999999", noon.Format(http.TimeFormat)} {
		f.Add(seed, int64(0))
	}
	f.Fuzz(func(t *testing.T, header string, now int64) {
		now %= math.MaxInt32
		if d := customerio.ParseRetryAfter(header, time.Unix(now, 0)); d < 0 || d > 15*time.Minute {
			t.Fatalf("%q at %d: %s", header, now, d)
		}
	})
}

func TestSuspect(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer customerio.Answer
		want   bool
	}{
		{"nothing was sent", customerio.Answer{Cause: customerio.CauseRefused}, false},
		{"sent and no answer", customerio.Answer{Cause: customerio.CauseTimeout, Sent: true}, true},
		{"408", customerio.Answer{Status: 408, Cause: customerio.CauseTimeout, Sent: true}, false},
		{"425", customerio.Answer{Status: 425, Cause: customerio.CauseTimeout, Sent: true}, false},
		{"429", customerio.Answer{Status: 429, Cause: customerio.CauseRate, Sent: true}, false},
		{"500", customerio.Answer{Status: 500, Cause: customerio.CauseServer, Sent: true}, true},
		{"502", customerio.Answer{Status: 502, Cause: customerio.CauseServer, Sent: true}, true},
		{"503", customerio.Answer{Status: 503, Cause: customerio.CauseUnavailable, Sent: true}, true},
		{"503 with Retry-After", customerio.Answer{Status: 503, Cause: customerio.CauseUnavailable, Sent: true,
			RetryAfter: 1}, false},
		{"504", customerio.Answer{Status: 504, Cause: customerio.CauseServer, Sent: true}, true},
		{"524", customerio.Answer{Status: 524, Cause: customerio.CauseServer, Sent: true}, true},
		{"200 with a page", customerio.Answer{Status: 200, Cause: customerio.CauseUnexpected, Sent: true}, true},
		{"401", customerio.Answer{Status: 401, Cause: customerio.CauseCredentials, Sent: true}, false},
		{"404 on the batch endpoint", customerio.Answer{Status: 404, Cause: customerio.CausePath, Sent: true}, false},
	} {
		if got := c.answer.Suspect(); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}
