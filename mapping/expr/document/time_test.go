package document

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// TestParseTimeIsPackageTimes walks through the years in odd steps, so that every day, hour, minute and second comes.
func TestParseTimeIsPackageTimes(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("", 3600), time.FixedZone("", -16200), time.FixedZone("", 50340)}
	read := 0
	step := 31*time.Hour + 17*time.Minute + 7*time.Second + 3_141_593*time.Nanosecond
	step *= longtest.Either[time.Duration](25, 1)
	for at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2300; at = at.Add(step) {
		local := at.In(zones[read%len(zones)])
		for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000Z07:00",
			"2006-01-02T15:04:05.000000000Z07:00", "2006-01-02T15:04:05.0Z07:00"} {
			text := local.Format(layout)
			var want time.Time
			if err := want.UnmarshalText([]byte(text)); err != nil {
				continue // of another year than 0 to 9999
			}
			if got, ok := parseRFC3339([]byte(text)); !ok || got != want.UnixMilli() {
				t.Fatalf("%s: %d, %t, want %d", text, got, ok, want.UnixMilli())
			}
			read++
		}
	}
	if read < longtest.Either(40_000, 1_000_000) {
		t.Errorf("only %d times", read)
	}
	for month := 1; month <= 12; month++ {
		for _, year := range []int{1900, 2000, 2023, 2024, 2100} {
			for day := 27; day <= 32; day++ {
				text := fmt.Sprintf("%04d-%02d-%02dT00:00:00Z", year, month, day)
				_, err := time.Parse(time.RFC3339, text)
				if _, ok := parseRFC3339([]byte(text)); ok != (err == nil) {
					t.Errorf("%s: read: %t", text, ok)
				}
			}
		}
	}
}

// clocks are the layouts of package time that stand for what parseClock and placed read.
var clocks = func() (all []string) {
	for _, date := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006/01/02T15:04", "2006/01/02 15:04"} {
		for _, second := range []string{"", ":05"} {
			for _, zone := range []string{"Z07:00", "Z0700", "Z07", " Z07:00", " Z0700", " Z07"} {
				all = append(all, date+second+zone)
			}
		}
	}
	for _, zone := range []string{"Z07:00", "Z0700", "Z07", " Z07:00", " Z0700", " Z07"} {
		all = append(all, "20060102T1504"+zone, "20060102T150405"+zone)
	}
	for _, zone := range []string{"", "Z07:00", "Z0700", "Z07"} {
		all = append(all, "2006-01-02"+zone, "2006/01/02"+zone)
	}
	return all
}()

// FuzzTime holds the reader to package time: what begins with a date and is read has the time that one of the layouts
// gives, when what only we read is taken off before. Nothing panics.
func FuzzTime(f *testing.F) {
	for _, text := range []string{"2026-11-26T10:00:00Z", "2026-11-26t10:00:00,123456z", "2026-11-26 10:00+0100",
		"2026/11/26  10:00:00 +01", "20261126T100000.5Z", "2026-11-26T10:00:00+01:00[Europe/Oslo]", "2026-11-26",
		"2026-11-26 10:00:00.5 +0100 CET", "2026-11-26 10:00 UTC", "Thu, 26 Nov 2026 10:00:00 GMT", "1795687200.5",
		"2026-11-26T10:00:00-0000", "2017-09-15Z",
		"2017-09-15+0200", "2026-11-26T10:00:0Z", "2026-11-26T10:00.5Z", "0001-01-01", "26 Nov 26 10:00 (x)",
		"2026-11-26T10:00:00GMT-01", "2026-02-29 10:00Z", "-1", "", " ", "[", "Thu", "Thu,", "(", "1 ", "2026-11-26T"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw := []byte(`"` + strings.Map(func(r rune) rune {
			if r == '"' || r == '\\' || r < ' ' {
				return -1
			}
			return r
		}, text) + `"`)
		text = string(raw[1 : len(raw)-1])
		ms, known, problem := TimeReader{}.Read(Value{Kind: String, Raw: raw})
		if known && problem != "" {
			t.Fatalf("%q: known, and %s", text, problem)
		}
		trimmed := strings.ToUpper(strings.TrimSpace(text))
		date, rest, _ := strings.Cut(trimmed, " ")
		if !known || strings.Contains(trimmed, "60") || len(date) < len("2006-01-02") ||
			strings.Contains(date, ".") && !strings.Contains(date, "T") ||
			strings.ContainsAny(trimmed[:8], "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") ||
			strings.Trim(trimmed, "-.0123456789") == "" && !strings.Contains(trimmed[4:], "-") {
			return
		}
		trimmed = strings.TrimRight(date+" "+strings.TrimLeft(rest, " "), " ")
		if open := strings.IndexByte(trimmed, '['); open >= 0 {
			if trimmed = strings.TrimSpace(trimmed[:open]); !strings.ContainsAny(trimmed[10:], "Z+-") {
				return // the name in brackets is the zone
			}
		}
		for _, layout := range clocks {
			for _, form := range []string{trimmed, withoutAbbreviation(trimmed)} {
				if at, err := time.Parse(layout, form); err == nil && at.UnixMilli() == ms {
					return
				}
			}
		}
		t.Errorf("%q is %d, %s, and no layout reads that", text, ms, time.UnixMilli(ms).UTC())
	})
}

// withoutAbbreviation takes off what stands beside an offset, and writes the letter Z for UTC.
func withoutAbbreviation(text string) string {
	for _, name := range []string{"UTC", "GMT", "UT"} {
		if before, ok := strings.CutSuffix(text, name); ok {
			return strings.TrimSpace(before) + "Z"
		}
		text = strings.Replace(text, name+"+", "+", 1)
		text = strings.Replace(text, name+"-", "-", 1)
	}
	if at := strings.LastIndexByte(text, ' '); at > len("2006-01-02") {
		return text[:at]
	}
	return text
}

// TestClocksOfZones walks over the changes of clocks: what a zone shows at some time is read as that time, or as the
// first of two, and what it never shows as what it shows an hour later.
func TestClocksOfZones(t *testing.T) {
	for _, name := range []string{"Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
		"+05:30"} {
		loc, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		twice, step := 0, longtest.Either(30*time.Minute, 10*time.Minute)
		for at := time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(step) {
			const layout = "2006-01-02 15:04:05"
			shown := at.In(loc).Format(layout)
			ms, _, problem := TimeReader{Zone: loc}.Read(Value{Kind: String, Raw: []byte(`"` + shown + `"`)})
			got := time.UnixMilli(ms)
			if problem != "" || got.In(loc).Format(layout) != shown || got.After(at) {
				t.Fatalf("%s: %s is %s, %s", name, shown, got.UTC(), problem)
			}
			if got.Before(at) {
				twice++
			}
		}
		if (twice == 0) != (name == "+05:30") || twice > 6 {
			t.Errorf("%s: %d times are shown twice", name, twice)
		}
	}
	oslo, _ := Zone("Europe/Oslo")
	for _, shown := range []string{"02:00:00", "02:30:00.5", "02:59"} {
		ms, _, _ := TimeReader{Zone: oslo}.Read(Value{Kind: String, Raw: []byte(`"2026-03-29 ` + shown + `"`)})
		later, _, _ := TimeReader{}.Read(Value{Kind: String, Raw: []byte(`"2026-03-29 ` + shown + `+01:00"`)})
		if ms != later || ms == 0 {
			t.Errorf("%s is %d, want %d", shown, ms, later)
		}
	}
	for _, name := range []string{"", "Local", "local", "Europe/Asgard", "../../etc/passwd", "+25:00", "tzdata.zi"} {
		if IsZone(name) {
			t.Errorf("%q is a time zone", name)
		}
	}
}
