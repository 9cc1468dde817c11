package document

import (
	"bytes"
	"strings"
	"time"
)

// Problems of texts that are no time.
const (
	unreadable = "is a string that is no time such as 2026-03-14T09:26:53Z"
	zoneless   = `is a time without a zone: name its zone, as in unix("Europe/Oslo")`
	badZone    = "names a time zone that is not known"
)

// maxTime is how long the text of a time may be.
const maxTime = 100

// parseLoose reads the texts of times that are not quite RFC 3339, in unix milliseconds.
func parseLoose(text []byte, zone *time.Location) (ms int64, problem string) {
	if len(text) > maxTime {
		return 0, unreadable
	}
	if text[0] >= '0' && text[0] <= '9' {
		if shown, rest, ok := parseClock(text); ok {
			return placed(shown, rest, zone)
		}
	}
	return parseNamed(string(text), zone)
}

// parseClock reads a date, and a time of day where there is one, as if it were in UTC, and gives the zone behind it:
// 2026-03-14 09:26:53,5, 2026/03/14T09:26, 20260314T092653 and their like. A date alone is its midnight, and has a
// nil zone where it names none.
func parseClock(s []byte) (shown int64, rest []byte, ok bool) {
	var room [48]byte
	b := room[:0]
	compact := len(s) > len("20060102T1504") && s[8]|0x20 == 't'
	switch {
	case compact:
		b = append(append(append(append(append(b, s[:4]...), '-'), s[4:6]...), '-'), s[6:8]...)
		s = s[8:]
	case len(s) < len("2006-01-02") || s[4] != s[7] || s[4] != '-' && s[4] != '/':
		return 0, nil, false
	default:
		b = append(append(append(append(append(b, s[:4]...), '-'), s[5:7]...), '-'), s[8:10]...)
		s = s[10:]
	}
	if len(s) == 0 {
		shown, ok = parseRFC3339(append(b, "T00:00:00Z"...))
		return shown, nil, ok
	}
	if _, zoned := offset(string(s)); zoned { // as XML and Debezium have dates
		shown, ok = parseRFC3339(append(b, "T00:00:00Z"...))
		return shown, append([]byte(nil), s...), ok
	}
	if s[0]|0x20 == 't' {
		s = s[1:]
	} else if trimmed := bytes.TrimLeft(s, " "); len(trimmed) < len(s) {
		s = trimmed
	} else {
		return 0, nil, false
	}
	colon := []byte(":")
	if compact {
		colon = nil
	}
	if len(s) < len("1504")+len(colon) || !bytes.Equal(s[2:2+len(colon)], colon) {
		return 0, nil, false
	}
	b = append(append(append(append(b, 'T'), s[:2]...), ':'), s[2+len(colon):4+len(colon)]...)
	s = s[4+len(colon):]
	if n := len(colon); len(s) < n+2 || !bytes.HasPrefix(s, colon) || decimal(s[n:n+2]) < 0 {
		b = append(b, ":00"...)
	} else {
		b = append(append(b, ':'), s[n:n+2]...)
		if s = s[n+2:]; len(s) > 0 && (s[0] == '.' || s[0] == ',') {
			end := 1
			for end < len(s) && s[end] >= '0' && s[end] <= '9' {
				end++
			}
			if end == 1 {
				return 0, nil, false
			}
			b = append(append(b, '.'), s[1:min(end, 4)]...)
			s = s[end:]
		}
	}
	shown, ok = parseRFC3339(append(b, 'Z'))
	return shown, append(make([]byte, 0, len(s)), s...), ok
}

// placed gives the time that clocks show in the zone that a text names, or else in the given one. A date without a time
// of day needs none. Of an offset and a name in brackets behind it the offset counts.
func placed(shown int64, text []byte, zone *time.Location) (ms int64, problem string) {
	name := strings.TrimSpace(string(text))
	bracket := ""
	if open := strings.IndexByte(name, '['); open >= 0 && strings.HasSuffix(name, "]") {
		name, bracket = strings.TrimSpace(name[:open]), strings.TrimPrefix(name[open+1:len(name)-1], "!")
	}
	switch east, ok := offsetIn(name); {
	case ok:
		return shown - east*1000, ""
	case name != "":
		return 0, unreadable
	case bracket != "":
		loc, err := Zone(bracket)
		if err != nil {
			return 0, badZone
		}
		return inZone(shown, loc), ""
	case zone != nil:
		return inZone(shown, zone), ""
	case text == nil:
		return shown, ""
	}
	return 0, zoneless
}

// abbreviations are those of zones that mean the same everywhere, by RFC 822.
var abbreviations = map[string]int64{
	"utc": 0, "gmt": 0, "ut": 0, "z": 0,
	"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}

// offsetIn reads an offset, a zone's abbreviation, or both, as in GMT+0100 and +0100 CET.
func offsetIn(name string) (east int64, ok bool) {
	number, abbreviation, both := strings.Cut(name, " ")
	if east, ok := offset(number); ok {
		return east, !both || isLetters(abbreviation)
	}
	lower := strings.ToLower(name)
	if hours, ok := abbreviations[lower]; ok {
		return hours * 3600, true
	}
	if rest := strings.TrimPrefix(strings.TrimPrefix(lower, "gmt"), "utc"); len(rest) < len(lower) && rest != "z" {
		return offset(rest)
	}
	return 0, false
}

func isLetters(s string) bool {
	return len(s) <= 5 && s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz") == ""
}

// named are the layouts of times that name the month, after the day of the week and the zone are taken off: RFC 1123,
// RFC 850, ctime, and what JavaScript prints.
var named = []string{
	"2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 06 15:04:05", "2 Jan 06 15:04",
	"2-Jan-2006 15:04:05", "2-Jan-06 15:04:05", "Jan 2 2006 15:04:05", "Jan 2 15:04:05 2006",
}

// parseNamed reads times such as Sat, 14 Mar 2026 09:26:53 GMT.
func parseNamed(text string, zone *time.Location) (ms int64, problem string) {
	if open := strings.LastIndexByte(text, '('); open > 0 && strings.HasSuffix(text, ")") {
		text = text[:open]
	}
	words := strings.Fields(strings.ReplaceAll(text, ", ", " "))
	if len(words) > 0 && isWeekday(words[0]) {
		words = words[1:]
	}
	if len(words) < 2 || len(words) > 6 {
		return 0, unreadable
	}
	at := len(words) // where the zone stands: last, or before the year
	if _, ok := offsetIn(words[at-1]); ok {
		at--
	} else if _, ok := offsetIn(words[at-2]); ok {
		at -= 2
	}
	name := []byte{}
	if at < len(words) {
		name = []byte(words[at])
		words = append(words[:at:at], words[at+1:]...)
	}
	clock := strings.Join(words, " ")
	for _, layout := range named {
		if t, err := time.Parse(layout, clock); err == nil {
			return placed(t.UnixMilli(), name, zone)
		}
	}
	return 0, unreadable
}

func isWeekday(word string) bool {
	word = strings.ToLower(strings.TrimSuffix(word, ","))
	for day := time.Sunday; day <= time.Saturday; day++ {
		full := strings.ToLower(day.String())
		if word == full || word == full[:3] {
			return true
		}
	}
	return false
}
