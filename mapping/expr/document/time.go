package document

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// The plausible times: from 1970-01-02 to the end of 2200. Anything outside is a unit mixed up or a field that is no
// time.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// units are those in which times are counted, each with the steps of a program that make unix seconds of it.
var units = []struct {
	perSecond   int64
	name, steps string
}{
	{1, "seconds", "unix"},
	{1000, "milliseconds", "unix_ms"},
	{1_000_000, "microseconds", ". / 1000000 | floor | unix"},
	{1_000_000_000, "nanoseconds", ". / 1000000000 | floor | unix"},
}

const implausible = "is a time before 1970-01-02 or after 2200"

// ParseTime gives the unix milliseconds of an RFC 3339 string or of whole unix seconds, from 1970-01-02 to 2200. Of
// any other value it says what is wrong, in words that follow a name, and where it can what to do.
func ParseTime(v Value) (ms int64, problem string) { return ParseTimeIn(v, 1) }

// ParseTimeIn is ParseTime for numbers that count perSecond to the second, which is 1 or 1000.
func ParseTimeIn(v Value, perSecond int64) (ms int64, problem string) {
	switch v.Kind {
	case String:
		return parseText(v)
	case Number:
		return parseWhole(v, perSecond)
	}
	return 0, "is " + Article(v.Kind) + "; a time is an RFC 3339 string or whole unix seconds"
}

func parseText(v Value) (ms int64, problem string) {
	var room [40]byte
	text := v.Raw[1 : len(v.Raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = v.AppendString(room[:0])
	}
	if ms, ok := parseRFC3339(text); ok {
		if ms < earliest*1000 || ms >= latest*1000 {
			return 0, implausible
		}
		return ms, ""
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && text[0] != '+' && unitOf(n) >= 0 {
		return 0, "is a string of digits: use tonumber | " + units[unitOf(n)].steps
	}
	return 0, "is a string that is not an RFC 3339 time such as 2026-03-14T09:26:53Z"
}

func parseWhole(v Value, perSecond int64) (ms int64, problem string) {
	n, whole := wholeNumber(v)
	if whole && n >= earliest*perSecond && n/perSecond < latest && (perSecond == 1 || n >= latest) {
		return n * 1000 / perSecond, ""
	}
	switch unit := unitOf(n); {
	case unit < 0:
		return 0, implausible
	case whole:
		return 0, "looks like " + units[unit].name + ": use " + units[unit].steps
	default:
		return 0, "is a number with a fraction: use floor | " + units[unit].steps
	}
}

// unitOf gives the unit in which n probably is a time, or -1. In units below the second that is one after 1973: what
// is less could be seconds far in the future, too.
func unitOf(n int64) int {
	for i, u := range units {
		begin := earliest
		if i > 0 {
			begin = 100_000_000
		}
		if n >= begin*u.perSecond && n/u.perSecond < latest {
			return i
		}
	}
	return -1
}

// wholeNumber is a number without its fraction, and whether it has none: some publishers write 1700000000.0 or 1.7e9.
// It is 0 where it is too large.
func wholeNumber(v Value) (n int64, whole bool) {
	if n, ok := v.Int64(); ok {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v.Raw), 64)
	if err != nil || math.Abs(f) >= 1<<53 {
		return 0, true
	}
	return int64(math.Floor(f)), f == math.Trunc(f)
}

// parseRFC3339 reads a time such as 2026-03-14T09:26:53.120+01:00 as unix milliseconds; further digits are dropped.
// The letters may be small, and second 60 is a leap second, which is the first one of the next minute.
func parseRFC3339(s []byte) (ms int64, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' ||
		s[16] != ':' {
		return 0, false
	}
	year, month, day := decimal(s[0:4]), decimal(s[5:7]), decimal(s[8:10])
	hour, minute, second := decimal(s[11:13]), decimal(s[14:16]), decimal(s[17:19])
	millis, rest := fraction(s[19:])
	east, ok := zone(rest)
	if !ok || year|month|day|hour|minute|second|millis < 0 || month < 1 || month > 12 || day < 1 || hour > 23 ||
		minute > 59 || second > 60 {
		return 0, false
	}
	if day > 28 && day > daysIn(year, month) {
		return 0, false
	}
	if month < 3 { // years that begin in March have the leap day at their end
		year, month = year-1, month+12
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*month-457)/5 + day - 719469
	return (((days*24+hour)*60+minute)*60+second-east)*1000 + millis, true
}

func daysIn(year, month int64) int64 {
	switch {
	case month != 2:
		return 30 + (month+month>>3)&1
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	}
	return 28
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

// fraction reads the milliseconds of a fraction of a second, and gives what stands behind it: nothing where it has no
// digits.
func fraction(s []byte) (millis int64, rest []byte) {
	if s[0] != '.' {
		return 0, s
	}
	i, unit := 1, int64(100)
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		millis += int64(s[i]-'0') * unit
		unit /= 10
	}
	if i == 1 {
		return 0, nil
	}
	return millis, s[i:]
}

// zone gives the seconds east of Greenwich.
func zone(s []byte) (int64, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != len("+01:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := decimal(s[1:3]), decimal(s[4:6])
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, hours|minutes >= 0 && hours < 24 && minutes < 60
}
