package document

import (
	"fmt"
	"testing"
	"time"
)

// TestParseTimeIsPackageTimes walks through the years in odd steps, so that every day, hour, minute and second comes.
func TestParseTimeIsPackageTimes(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("", 3600), time.FixedZone("", -16200), time.FixedZone("", 50340)}
	read := 0
	const step = 31*time.Hour + 17*time.Minute + 7*time.Second + 3_141_593*time.Nanosecond
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
