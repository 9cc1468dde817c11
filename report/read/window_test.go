package read

import (
	"testing"
	"time"
)

// Buckets begin where Customer.io's do: days at midnight EST in summer and in winter, weeks on Sundays, months on the
// first.
func TestWindows(t *testing.T) {
	for _, c := range []struct {
		period, now string
		n           int
		want        []string // the bounds, one more than buckets
	}{
		{"hours", "2026-03-08T07:30:00Z", 2, []string{"2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z",
			"2026-03-08T08:00:00Z"}},
		{"days", "2026-03-09T04:59:59Z", 2, []string{"2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z",
			"2026-03-09T05:00:00Z"}},
		{"days", "2026-11-01T05:00:00Z", 2, []string{"2026-10-31T05:00:00Z", "2026-11-01T05:00:00Z",
			"2026-11-02T05:00:00Z"}},
		{"weeks", "2026-03-08T04:59:59Z", 1, []string{"2026-03-01T05:00:00Z", "2026-03-08T05:00:00Z"}},
		{"weeks", "2026-03-08T05:00:00Z", 1, []string{"2026-03-08T05:00:00Z", "2026-03-15T05:00:00Z"}},
		{"months", "2028-03-01T04:00:00Z", 3, []string{"2027-12-01T05:00:00Z", "2028-01-01T05:00:00Z",
			"2028-02-01T05:00:00Z", "2028-03-01T05:00:00Z"}},
	} {
		p, now := periodOf(c.period), parseTime(c.now)
		list := p.windows(p.add(p.floor(now, est), 1-c.n), c.n)
		for i, w := range list {
			if w.Start.Format(time.RFC3339) != c.want[i] || w.End.Format(time.RFC3339) != c.want[i+1] {
				t.Errorf("%s at %s: %v, want %q", c.period, c.now, list, c.want)
				break
			}
		}
	}
}

// A beginning that an answer names counts where a bucket begins there.
func TestAligned(t *testing.T) {
	for _, c := range []struct {
		period, start string
		is            bool
	}{
		{"days", "2026-01-01 00:00:00 +0000 UTC", true}, {"days", "2026-01-01T05:00:00Z", true},
		{"days", "1767243600", true},
		{"days", "2026-01-01 06:00:00 +0000 UTC", false}, {"days", "2026-01-01 05:00:01 +0000 UTC", false},
		{"hours", "2026-01-01 06:00:00 +0000 UTC", true}, {"hours", "2026-01-01 06:30:00 +0000 UTC", false},
		{"months", "2026-02-01 05:00:00 +0000 UTC", true}, {"months", "2026-02-02 05:00:00 +0000 UTC", false},
		{"weeks", "2026-03-08 05:00:00 +0000 UTC", true}, {"days", "", false}, {"days", "yesterday", false},
	} {
		first, is := periodOf(c.period).aligned(parseTime(c.start))
		if is != c.is || is && !first.Equal(parseTime(c.start)) {
			t.Errorf("%s from %q: %s, %t", c.period, c.start, first, is)
		}
	}
	first, is := periodOf("days").aligned(parseTime("2026-07-01 00:00:00 -0400 EDT"))
	if want := parseTime("2026-07-01 05:00:00 +0000 UTC"); !is || !first.Equal(want) {
		t.Errorf("a day of summer: %s, want %s", first, want)
	}
}
