package expr

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestParseTimeIsPackageTimes walks through the years in odd steps, so that every day, hour, minute and second comes.
func TestParseTimeIsPackageTimes(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("", 3600), time.FixedZone("", -16200), time.FixedZone("", 50340)}
	read := 0
	for at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2300; at = at.Add(31*time.Hour + 17*time.Minute + 7*time.Second + 3_141_593*time.Nanosecond) {
		local := at.In(zones[read%len(zones)])
		for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000000000Z07:00", "2006-01-02T15:04:05.0Z07:00"} {
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
	if read < 1_000_000 {
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

// TestWhatATimeErrorAdvisesWorks follows the advice that unix, unix_ms and time: give: the program that they name gives a time, and
// there is advice wherever a usual unit is mixed up.
func TestWhatATimeErrorAdvisesWorks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	values := []string{`"9999-12-31T23:59:59Z"`, `9223372036854775807`, `-1`, `"-5"`, `0`, `1e18`, `"tomorrow"`, `7289654400`, `86399999`}
	advised := 0
	for range 60 {
		second := 100_000_000 + r.Int64N(7_000_000_000)
		for _, u := range units {
			n := new(big.Int).Mul(big.NewInt(second), big.NewInt(u.perSecond))
			values = append(values, n.String(), `"`+n.String()+`"`, n.String()+".5", n.Add(n, big.NewInt(u.perSecond-1)).String())
		}
	}
	for _, f := range []string{"unix", "unix_ms"} {
		for _, value := range values {
			_, err := runOne(t, ".x | "+f, `{"x":`+value+`}`)
			if err == nil {
				continue
			}
			_, steps, ok := strings.Cut(err.Error(), ": use ")
			if !ok {
				continue
			}
			advised++
			v, err := runOne(t, ".x | "+steps, `{"x":`+value+`}`)
			if err != nil {
				t.Errorf("%s | %s advises %s: %v", value, f, steps, err)
			} else if _, problem := ParseTime(v); problem != "" {
				t.Errorf("%s | %s advises %s: %s %s", value, f, steps, v.Raw, problem)
			}
		}
	}
	if advised < 500 {
		t.Errorf("advice for %d values only", advised)
	}
}
