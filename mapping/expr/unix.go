package expr

import (
	"math"
	"strconv"
	"time"
)

// The plausible times: from 1970-01-02 to the end of 2200. Anything outside is a unit mixed up or a field that is no time.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// millisFrom parts integers that look like seconds from those that look like milliseconds: it is the year 5138 in seconds and 1973 in
// milliseconds.
const millisFrom = 100_000_000_000

func unixSeconds(d *Document, v Value, _ []byte) (Value, error) { return d.unix(v, 1) }

func unixMillis(d *Document, v Value, _ []byte) (Value, error) { return d.unix(v, 1000) }

func (d *Document) unix(v Value, perSecond int64) (Value, error) {
	if v.Kind == Null {
		return v, nil
	}
	t, err := unixTime(v, perSecond)
	if err != nil {
		return Value{}, err
	}
	start := len(d.arena)
	d.arena = strconv.AppendInt(d.arena, t, 10)
	return d.made(Number, start)
}

// unixTime gives the unix seconds of an RFC 3339 string or of an integer that counts perSecond to the second.
func unixTime(v Value, perSecond int64) (int64, error) {
	var t int64
	switch v.Kind {
	case String:
		var ok bool
		var text [40]byte
		if t, ok = parseRFC3339(v.AppendString(text[:0])); !ok {
			return 0, failedf("is a string that is not an RFC 3339 time such as 2026-03-14T09:26:53Z")
		}
	case Number:
		n, ok := wholeNumber(v)
		if !ok {
			return 0, failedf("is a number that is not whole; a time is an integer")
		}
		switch {
		case perSecond == 1 && n > millisFrom:
			return 0, failedf("looks like milliseconds: use unix_ms")
		case perSecond == 1000 && n >= 0 && n < millisFrom:
			return 0, failedf("looks like seconds: use unix")
		}
		t = n / perSecond
	default:
		return 0, failedf("a time is an RFC 3339 string or an integer, not %s", article(v.Kind))
	}
	if t < earliest || t >= latest {
		return 0, failedf("is a time before 1970-01-02 or after 2200")
	}
	return t, nil
}

// wholeNumber also takes 1700000000.0 and 1.7e9, which some publishers write for integers.
func wholeNumber(v Value) (int64, bool) {
	if n, ok := v.Int64(); ok {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v.Raw), 64)
	return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// parseRFC3339 reads a time such as 2026-03-14T09:26:53.120+01:00; fractions of a second are dropped.
func parseRFC3339(s []byte) (int64, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	year, ok1 := digits(s[0:4], 0, 9999)
	month, ok2 := digits(s[5:7], 1, 12)
	day, ok3 := digits(s[8:10], 1, 31)
	hour, ok4 := digits(s[11:13], 0, 23)
	minute, ok5 := digits(s[14:16], 0, 59)
	second, ok6 := digits(s[17:19], 0, 60) // 60 is a leap second
	offset, ok7 := zone(fraction(s[19:]))
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.Unix() - int64(offset), date.Day() == day // no 30 February
}

func digits(s []byte, low, high int) (n int, ok bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n >= low && n <= high
}

// fraction skips a fraction of a second; what remains is empty where it has no digits.
func fraction(s []byte) []byte {
	if s[0] != '.' {
		return s
	}
	i := 1
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 1 {
		return nil
	}
	return s[i:]
}

// zone gives the seconds east of Greenwich.
func zone(s []byte) (int, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != len("+01:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, ok1 := digits(s[1:3], 0, 23)
	minutes, ok2 := digits(s[4:6], 0, 59)
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, ok1 && ok2
}
