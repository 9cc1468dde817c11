package document

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// The plausible times of events, and the oldest date that is read: from 1970-01-02 and from 1800 to the end of 2200.
// Anything outside is a unit mixed up or a field that is no time.
var (
	oldest   = time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// units are those in which times are counted, each with the function of a program that reads it.
var units = []struct {
	perSecond int64
	name, use string
}{
	{1, "seconds", "unix"},
	{1000, "milliseconds", "unix_ms"},
	{1_000_000, "microseconds", "unix_us"},
	{1_000_000_000, "nanoseconds", "unix_ns"},
}

// What is wrong with a time that is out of range.
const (
	implausible = "is a time before 1970-01-02 or after 2200"
	unlikely    = "is no time from 1800 to 2200"
)

// TimeFunctions are the functions of programs that give the unix seconds of a time, and how many of what numbers count
// each takes for a second.
var TimeFunctions = map[string]int64{"unix": 1, "unix_ms": 1000, "unix_us": 1_000_000, "unix_ns": 1_000_000_000}

// Unix is what those functions do: it gives a time in unix seconds. Zone is the argument of the function, nil without
// one. The error has words that follow a name.
func Unix(v Value, perSecond int64, zone []byte) (seconds int64, known bool, err error) {
	r := TimeReader{PerSecond: perSecond}
	if zone != nil {
		if r.Zone, err = Zone(zone); err != nil {
			return 0, false, fmt.Errorf("the argument %w", err)
		}
	}
	ms, known, problem := r.Read(v)
	if problem != "" {
		return 0, false, errors.New(problem)
	}
	return floorDiv(ms, 1000), known, nil
}

// TimeReader reads the times of producers.
type TimeReader struct {
	PerSecond int64          // how many of what numbers count are in a second; 0 tells the unit by the size of a number
	Zone      *time.Location // of texts that name none; nil refuses those
}

// ReadEvent is Read for the time of an event, which is not before 1970-01-02.
func (r TimeReader) ReadEvent(v Value) (ms int64, known bool, problem string) {
	ms, known, problem = r.Read(v)
	if known && ms < earliest*1000 {
		return 0, false, implausible
	}
	return ms, known, problem
}

// Read gives a time in unix milliseconds. It is not known where the value is null, or what producers write for no time:
// an empty text, 0, or the year 1. Of a value that is no time it says what is wrong, in words that follow a name, and
// where it can what to do.
func (r TimeReader) Read(v Value) (ms int64, known bool, problem string) {
	switch v.Kind {
	case Null:
		return 0, false, ""
	case String:
		return r.readText(v)
	case Number:
		return r.readNumber(v)
	case Object:
		if ms, known, problem, ok := r.readObject(v); ok {
			return ms, known, problem
		}
	}
	return 0, false, "is " + Article(v.Kind) + "; a time is a text such as 2026-03-14T09:26:53Z or a number that " +
		"counts from 1970"
}

func (r TimeReader) readText(v Value) (ms int64, known bool, problem string) {
	var room [64]byte
	text := v.Raw[1 : len(v.Raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = v.AppendString(room[:0])
	}
	ms, ok := parseRFC3339(text)
	if !ok {
		text = bytes.TrimSpace(text)
		switch {
		case len(text) == 0 || isZeroDate(text):
			return 0, false, ""
		case isCount(text):
			return r.readNumber(Value{Kind: Number, Raw: text})
		}
		if ms, problem = parseLoose(text, r.Zone); problem != "" {
			return 0, false, problem
		}
	}
	switch {
	case ms >= oldest*1000 && ms < latest*1000:
		return ms, true, ""
	case isZeroDate(text):
		return 0, false, ""
	}
	return 0, false, unlikely
}

// isCount reports whether a text is a number that can be a time: 0, or of nine digits at least, since fewer could be a
// date such as 20261126.
func isCount(text []byte) bool {
	if string(text) == "0" {
		return true
	}
	digits, fraction, dot := bytes.Cut(bytes.TrimPrefix(text, []byte("-")), []byte("."))
	if len(digits) < 9 || digits[0] == '0' || decimal(digits[:1]) < 0 || dot && len(fraction) == 0 || len(text) > 40 {
		return false
	}
	for _, c := range text {
		if c != '-' && c != '.' && (c < '0' || c > '9') {
			return false
		}
	}
	return bytes.Count(text, []byte(".")) <= 1 && bytes.LastIndexByte(text, '-') <= 0
}

// isZeroDate reports whether a text is the first day of the year 1, or of the year 0: what producers write that have no
// other value for no time.
func isZeroDate(text []byte) bool {
	if !bytes.HasPrefix(text, []byte("0001-01-01")) && !bytes.HasPrefix(text, []byte("0000-")) {
		return false
	}
	return len(bytes.Trim(text, "0123456789-+:., TtZz/UC")) == 0
}

func (r TimeReader) readNumber(v Value) (ms int64, known bool, problem string) {
	n, whole, fits := wholeNumber(v)
	perSecond := r.PerSecond
	switch {
	case fits && whole && isZeroCount(n):
		return 0, false, ""
	case !fits:
		return 0, false, unlikely
	case perSecond == 0:
		perSecond = 1
		if unit := unitOf(n); unit >= 0 {
			perSecond = units[unit].perSecond
		}
	}
	if !isPlausible(n, perSecond) {
		unit := unitOf(n)
		if unit < 0 || units[unit].perSecond == perSecond {
			return 0, false, unlikely
		}
		return 0, false, "looks like " + units[unit].name + ": use " + units[unit].use
	}
	if perSecond > 1 {
		return floorDiv(n, perSecond/1000), true, ""
	}
	return n*1000 + millisOf(v, whole), true, ""
}

// isZeroCount reports whether a number is what producers count for no time: 0, or the year 1 in some unit. Nanoseconds
// from the year 1 are too many for 64 bits, and those of Go are what is left of them.
func isZeroCount(n int64) bool {
	const yearOne = -62135596800
	return n == 0 || n == yearOne || n == yearOne*1000 || n == yearOne*1_000_000 || n == -6795364578871345152
}

// isPlausible reports whether n is a time in a unit. What could be a time in the unit above, too, is none in this one.
func isPlausible(n, perSecond int64) bool {
	if n >= 0 {
		return n >= earliest*perSecond && floorDiv(n, perSecond) < latest &&
			(perSecond == 1 || n >= latest*(perSecond/1000))
	}
	return n <= -earliest*perSecond && n >= oldest*perSecond && (perSecond == 1 || n < oldest*(perSecond/1000))
}

// unitOf gives the unit in which n probably is a time, or -1. In units below the second that is one after 1973, or
// before 1966: what is less could be seconds far in the future, too.
func unitOf(n int64) int {
	for i, u := range units {
		begin := earliest
		if i > 0 {
			begin = 100_000_000
		}
		if n >= begin*u.perSecond && n/u.perSecond < latest || n <= -begin*u.perSecond && n >= oldest*u.perSecond {
			return i
		}
	}
	return -1
}

// wholeNumber is a number rounded down, whether it was whole, and whether it fits: some publishers write 1700000000.0
// or 1.7e9.
func wholeNumber(v Value) (n int64, whole, fits bool) {
	if n, ok := v.Int64(); ok {
		return n, true, true
	}
	f, err := strconv.ParseFloat(string(v.Raw), 64)
	if err != nil || math.Abs(f) >= 1<<63 {
		return 0, true, false
	}
	return int64(math.Floor(f)), f == math.Trunc(f), true
}

// millisOf is the part of a number of seconds that is left when it is rounded down, in milliseconds.
func millisOf(v Value, whole bool) int64 {
	if whole {
		return 0
	}
	if dot := bytes.IndexByte(v.Raw, '.'); dot >= 0 && v.Raw[0] != '-' && !bytes.ContainsAny(v.Raw, "eE") {
		millis, _ := fraction(v.Raw[dot:])
		return millis
	}
	f, _ := strconv.ParseFloat(string(v.Raw), 64)
	return int64(math.Floor((f - math.Floor(f)) * 1000))
}

func floorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

// ParseTime reads the text of a time that somebody writes by hand, as the times of events are read.
func ParseTime(text string) (t time.Time, ok bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	raw := jsontext.AppendString(nil, []byte(text))
	ms, ok, _ := TimeReader{}.ReadEvent(Value{Kind: String, Raw: raw})
	return time.UnixMilli(ms).UTC(), ok
}
