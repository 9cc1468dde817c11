package mapping

import (
	"testing"
	"time"
)

// TestUsualTimeIsPackageTimes walks through the years in odd steps, so that every day, hour, minute and second comes.
func TestUsualTimeIsPackageTimes(t *testing.T) {
	read := 0
	for at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2300; at = at.Add(31*time.Hour + 17*time.Minute + 7*time.Second + 3*time.Millisecond) {
		for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z"} {
			text := at.Format(layout)
			var want time.Time
			if err := want.UnmarshalText([]byte(text)); err != nil {
				t.Fatal(err)
			}
			got, ok := usualTime([]byte(text))
			if ok && got != want.UnixMilli() {
				t.Fatalf("%s: %d, want %d", text, got, want.UnixMilli())
			}
			if ok != (at.Day() <= 28) {
				t.Fatalf("%s: read: %t", text, ok)
			}
			read++
		}
	}
	if read < 1_000_000 {
		t.Errorf("only %d times", read)
	}
}

func TestUsualTimeLeavesOthersToPackageTime(t *testing.T) {
	for _, text := range []string{
		"2026-03-14T09:26:60Z", "2026-03-14T24:26:53Z", "2026-03-14T09:60:53Z", "2026-13-14T09:26:53Z", "2026-00-14T09:26:53Z",
		"2026-03-00T09:26:53Z", "2026-02-30T09:26:53Z", "2026-03-14 09:26:53Z", "2026-03-14T09:26:53z", "2026-03-14t09:26:53Z",
		"2026-03-14T09:26:5/Z", "2026-03-14T09:26:53,120Z", "2026-03-14T09:26:53.12:Z", "2026-03-14T09:26:53.120+", "-026-03-14T09:26:53Z",
		"2026-03-14T09:26:53+01:00", "2026-03-14T09:26:53.1Z", "",
	} {
		if _, ok := usualTime([]byte(text)); ok {
			t.Errorf("%q was read", text)
		}
	}
}
