package read

import (
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/report"
)

// A period is the length of a bucket.
type period struct {
	name string
	most int           // steps that Customer.io gives
	back time.Duration // how far the newer form goes back where nothing is said
}

var periods = []period{
	{"hours", 24, 24 * time.Hour}, {"days", 45, 45 * day}, {"weeks", 12, 12 * 7 * day}, {"months", 121, 365 * day},
}

// spellings are the names of periods, those of the newer form among them, which Customer.io calls by either.
var spellings = map[string]string{
	"hours": "hours", "hourly": "hours", "days": "days", "daily": "days", "weeks": "weeks", "weekly": "weeks",
	"months": "months", "monthly": "months",
}

// periodOf finds a period by its name or its other spelling; that of nothing is days.
func periodOf(name string) period {
	for _, p := range periods {
		if p.name == spellings[name] {
			return p
		}
	}
	return periods[1]
}

// est is where Customer.io's days begin in the older form, in winter as in summer.
var est = time.FixedZone("EST", -5*3600)

// floor is the beginning of the bucket in which a time lies.
func (p period) floor(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	switch p.name {
	case "hours":
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, zone)
	case "weeks":
		return time.Date(t.Year(), t.Month(), t.Day()-int(t.Weekday()), 0, 0, 0, 0, zone)
	case "months":
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, zone)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
}

// add is the beginning of the bucket that is n further on.
func (p period) add(t time.Time, n int) time.Time {
	switch p.name {
	case "hours":
		return t.Add(time.Duration(n) * time.Hour)
	case "weeks":
		return t.AddDate(0, 0, 7*n)
	case "months":
		return t.AddDate(0, n, 0)
	}
	return t.AddDate(0, 0, n)
}

// windows are those of n buckets, of which the first begins at a time.
func (p period) windows(first time.Time, n int) []report.Window {
	list := make([]report.Window, n)
	for i := range list {
		list[i] = report.Window{Start: p.add(first, i).UTC(), End: p.add(first, i+1).UTC()}
	}
	return list
}

// edt is the time of New York in summer.
var edt = time.FixedZone("EDT", -4*3600)

// aligned gives the beginning that an answer names, in the zone in which it is the beginning of a bucket. One that is
// not, because it moves with the clock, would make other windows of the same numbers each time. So would days that
// begin an hour earlier in summer: they are named as those of winter.
func (p period) aligned(start time.Time) (first time.Time, is bool) {
	if start.IsZero() {
		return first, false
	}
	for _, zone := range []*time.Location{time.UTC, est, edt} {
		at, p := start.In(zone), p
		if p.name == "weeks" {
			p = periodOf("days") // on whichever day they begin
		}
		switch {
		case !p.floor(at, zone).Equal(at):
		case zone == edt:
			return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, est), true
		default:
			return at, true
		}
	}
	return first, false
}

// parseTime reads a time as Customer.io writes it: as Go prints one, by RFC 3339, or as seconds of unix time. It is
// zero where it is none of these.
func parseTime(text string) time.Time {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	for _, layout := range []string{"2006-01-02 15:04:05 -0700 MST", "2006-01-02 15:04:05 -0700", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
