package mapping

import (
	"bytes"
	"time"

	"github.com/ciobridge/ciobridge/mapping/expr"
)

// moment is an event's time. Known is false where neither the event nor the broker gave one.
type moment struct {
	ms    int64 // unix milliseconds
	known bool
}

// unix is the moment in whole seconds, as Customer.io takes it.
func (m moment) unix() int64 { return m.ms / 1000 }

// Times outside these years are mistakes: an unset field, or another unit.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// momentOf reads a time that an expression gave: an RFC 3339 string or unix seconds. It says what is wrong with any other.
func (s *scratch) momentOf(v expr.Value) (moment, string) {
	switch v.Kind {
	case expr.String:
		text := v.Raw[1 : len(v.Raw)-1]
		if ms, ok := usualTime(text); ok && checkUnix(ms/1000) == "" {
			return moment{ms, true}, ""
		}
		if bytes.IndexByte(text, '\\') >= 0 {
			s.text = v.AppendString(s.text[:0])
			text = s.text
		}
		var t time.Time
		if t.UnmarshalText(text) != nil {
			return moment{}, "is a string that is not an RFC 3339 time"
		}
		if problem := checkUnix(t.Unix()); problem != "" {
			return moment{}, problem
		}
		return moment{t.UnixMilli(), true}, ""
	case expr.Number:
		n, ok := v.Int64()
		if !ok {
			return moment{}, "is a number with a fraction; want unix seconds"
		}
		if problem := checkUnix(n); problem != "" {
			return moment{}, problem
		}
		return moment{n * 1000, true}, ""
	}
	return moment{}, "is " + article(v.Kind) + "; want an RFC 3339 string or unix seconds"
}

// usualTime reads 2026-03-14T09:26:53Z and 2026-03-14T09:26:53.120Z as unix milliseconds, several times faster than package time, to
// which it leaves every other form and the last days of a month.
func usualTime(s []byte) (ms int64, ok bool) {
	n := len(s)
	if n != 20 && (n != 24 || s[19] != '.') || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[n-1] != 'Z' {
		return 0, false
	}
	year, month, day := decimal(s[0:4]), decimal(s[5:7]), decimal(s[8:10])
	hour, minute, second := decimal(s[11:13]), decimal(s[14:16]), decimal(s[17:19])
	if n == 24 {
		ms = decimal(s[20:23])
	}
	if year|month|day|hour|minute|second|ms < 0 || month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	if month < 3 { // years that begin in March have the leap day at their end
		year, month = year-1, month+12
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*month-457)/5 + day - 719469
	return (((days*24+hour)*60+minute)*60+second)*1000 + ms, true
}

// decimal is the number that the digits write, below zero where one is not a digit.
func decimal(digits []byte) (n int64) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// checkUnix says what is wrong with a time in unix seconds, or "".
func checkUnix(n int64) string {
	switch {
	case n >= 100_000_000_000:
		return "looks like milliseconds: use unix_ms"
	case n < earliest || n >= latest:
		return "is not a plausible time: it lies before 1970-01-02 or after 2199"
	}
	return ""
}

func article(k expr.Kind) string {
	switch k {
	case expr.Absent, expr.Null:
		return k.String()
	case expr.Array, expr.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}
