package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/report"
)

func TestSchedules(t *testing.T) {
	for _, c := range []struct{ name, schedule, from, times string }{
		{"the default", "", "2026-11-27T00:00:00Z", "2026-11-27T14:00:00Z 2026-11-28T14:00:00Z"},
		{"winter and summer", "daily at 06:00 in America/Los_Angeles", "2026-03-07T00:00:00Z",
			"2026-03-07T14:00:00Z 2026-03-08T13:00:00Z 2026-03-09T13:00:00Z"},
		{"without a zone", "daily at 6:30", "2026-01-01T00:00:00Z", "2026-01-01T06:30:00Z 2026-01-02T06:30:00Z"},
		{"a time that does not exist is when the clock is put forward", "daily at 02:30 in America/Los_Angeles",
			"2026-03-07T00:00:00Z", "2026-03-07T10:30:00Z 2026-03-08T10:00:00Z 2026-03-09T09:30:00Z"},
		{"a time that exists twice is once", "daily at 01:30 in America/Los_Angeles",
			"2026-10-31T00:00:00Z", "2026-10-31T08:30:00Z 2026-11-01T08:30:00Z 2026-11-02T09:30:00Z"},
		{"all times that do not exist are one", "CRON_TZ=Europe/Berlin 0,45 2,3 * * *",
			"2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z 2026-03-29T01:45:00Z 2026-03-30T00:00:00Z"},
		{"every quarter goes through both hours", "CRON_TZ=Europe/Berlin */30 * * * *", "2026-10-24T23:59:00Z",
			"2026-10-25T00:00:00Z 2026-10-25T00:30:00Z 2026-10-25T01:00:00Z 2026-10-25T01:30:00Z " +
				"2026-10-25T02:00:00Z"},
		{"midnight is put forward", "daily at 00:30 in America/Santiago", "2026-09-05T12:00:00Z",
			"2026-09-06T04:00:00Z 2026-09-07T03:30:00Z"},
		{"half an hour is put forward", "daily at 02:15 in Australia/Lord_Howe", "2026-10-03T00:00:00Z",
			"2026-10-03T15:30:00Z 2026-10-04T15:15:00Z"},
		{"half an hour is put back", "daily at 01:45 in Australia/Lord_Howe", "2026-04-04T00:00:00Z",
			"2026-04-04T14:45:00Z 2026-04-05T15:15:00Z"},
		{"a day is left out", "daily at 12:00 in Pacific/Apia", "2011-12-29T00:00:00Z",
			"2011-12-29T22:00:00Z 2011-12-30T10:00:00Z 2011-12-30T22:00:00Z"},
		{"cron is in UTC", "0 6 * * 1-5", "2026-11-27T06:00:00Z", "2026-11-30T06:00:00Z"},
		{"one of two days is enough", "0 0 13 * 5", "2026-11-06T01:00:00Z",
			"2026-11-13T00:00:00Z 2026-11-20T00:00:00Z"},
		{"names", "@daily", "2026-11-27T06:00:00Z", "2026-11-28T00:00:00Z"},
		{"a leap day", "0 0 29 2 *", "2026-11-27T06:00:00Z", "2028-02-29T00:00:00Z"},
	} {
		s, err := report.ParseSchedule(c.schedule)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		at := instant(c.from)
		for _, want := range strings.Fields(c.times) {
			next := s.Next(at)
			if !next.Equal(instant(want)) {
				t.Errorf("%s: %s comes after %s, want %s", c.name, next.Format(time.RFC3339), at.Format(time.RFC3339),
					want)
				break
			}
			if latest := s.Latest(at, next.Add(time.Second)); !latest.Equal(next) {
				t.Errorf("%s: the latest is %s, want %s", c.name, latest, next)
			}
			at = next
		}
	}
}

func instant(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

// The moments of a schedule follow each other, none twice and none left out, wherever one begins to look.
func TestScheduleFromEveryMinute(t *testing.T) {
	for _, schedule := range []string{
		"daily at 02:30 in America/Los_Angeles", "CRON_TZ=America/Los_Angeles 15,45 1-3 * * *",
		"CRON_TZ=America/Los_Angeles */20 * * * *",
	} {
		s, err := report.ParseSchedule(schedule)
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range []string{"2026-03-08T08:00:00Z", "2026-11-01T07:00:00Z"} {
			from, next := instant(day), time.Time{}
			for minute := range 6 * 60 {
				at := from.Add(time.Duration(minute) * time.Minute)
				if !next.IsZero() && at.Before(next) && !s.Next(at).Equal(next) {
					t.Fatalf("%s: at %s the next is %s, and was %s before", schedule, at, s.Next(at), next)
				}
				next = s.Next(at)
			}
		}
	}
}

// The last of the times that were missed is told, however long ago the last run was.
func TestLatest(t *testing.T) {
	s, err := report.ParseSchedule("*/5 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	now := instant("2026-11-27T12:03:00Z")
	for after, want := range map[string]string{
		"2016-01-01T00:00:00Z": "2026-11-27T12:00:00Z", "2026-11-27T11:59:59Z": "2026-11-27T12:00:00Z",
		"2026-11-27T12:00:00Z": "", "2026-11-28T00:00:00Z": "",
	} {
		got := s.Latest(instant(after), now)
		if want == "" && !got.IsZero() || want != "" && !got.Equal(instant(want)) {
			t.Errorf("after %s the latest is %s, want %q", after, got, want)
		}
	}
}

func TestWrongSchedules(t *testing.T) {
	for schedule, want := range map[string]string{
		"daily at 25:00":               `"25:00" is not a time of day`,
		"daily at 02:60 in UTC":        `"02:60" is not a time of day`,
		"daily at 06:00 in Mars":       `there is no time zone "Mars"`,
		"daily at 06:00 in Local":      `there is no time zone "Local"`,
		"CRON_TZ=Mars 0 0 * * *":       `there is no time zone "Mars"`,
		"hourly":                       `"hourly" is no schedule`,
		"0 6 * *":                      `"0 6 * *" is no schedule`,
		"0 0 6 * * *":                  `"0 0 6 * * *" is no schedule`,
		"61 * * * *":                   `"61 * * * *" is no schedule`,
		"@every 1h":                    `"@every 1h" is no schedule that has times`,
		"0 0 31 2 *":                   `"0 0 31 2 *" never comes`,
		"TZ=UTC CRON_TZ=UTC 0 0 * * *": `is no schedule`,
	} {
		if _, err := report.ParseSchedule(schedule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", schedule, err, want)
		}
	}
}
