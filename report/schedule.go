package report

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // an image may have no time zones of its own

	"github.com/netresearch/go-cron"
)

// DefaultSchedule is when a report is read of which nobody says when, as Customer.io's own connector does it.
const DefaultSchedule = "daily at 06:00 in America/Los_Angeles"

// A Schedule tells the times at which a report is read.
//
// They are times of a clock on a wall. One that does not exist on a day, because the clock is put forward over it, is
// the moment at which that happens; one that exists twice counts once, the first time. Where every hour is meant, such
// as with */15 * * * *, each hour that passes counts instead.
type Schedule struct {
	text string
	spec *cron.SpecSchedule
	zone *time.Location
}

var (
	daily    = regexp.MustCompile(`^daily at (\S+)(?: in (\S+))?$`)
	cronZone = regexp.MustCompile(`^(?:CRON_TZ|TZ)=(\S+)\s+(.*)$`)
)

const scheduleForms = "give five fields of cron, such as 0 6 * * 1-5, which are in UTC, the same behind " +
	"CRON_TZ=Europe/Berlin, or " + DefaultSchedule

// ParseSchedule reads the text of a configuration. The empty text is DefaultSchedule.
func ParseSchedule(text string) (Schedule, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		text = DefaultSchedule
	}
	s := Schedule{text: text, zone: time.UTC}
	expression, zone := text, ""
	if part := daily.FindStringSubmatch(text); part != nil {
		at, err := time.Parse("15:04", part[1])
		if err != nil {
			return s, fmt.Errorf("%q is not a time of day, such as 06:00, up to 23:59", part[1])
		}
		expression, zone = at.Format("4 15 * * *"), part[2]
	} else if part := cronZone.FindStringSubmatch(text); part != nil {
		zone, expression = part[1], part[2]
	}
	if zone != "" {
		var err error
		if s.zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
			return s, fmt.Errorf("there is no time zone %q: give one such as Europe/Berlin or UTC", zone)
		}
	}
	parser, err := cron.TryNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor |
		cron.DowOrDom)
	if err != nil {
		return s, err
	}
	read, err := parser.Parse(expression)
	if err != nil {
		return s, fmt.Errorf("%q is no schedule (%w): %s", text, err, scheduleForms)
	}
	spec, ok := read.(*cron.SpecSchedule)
	if !ok || strings.Contains(expression, "TZ=") {
		return s, fmt.Errorf("%q is no schedule that has times: %s", text, scheduleForms)
	}
	spec.Location, s.spec = time.UTC, spec
	if s.Next(time.Now()).IsZero() {
		return s, fmt.Errorf("%q never comes", text)
	}
	return s, nil
}

// String is the schedule as it was written.
func (s Schedule) String() string { return s.text }

// everyHour is the mark that the parser gives to a field of which all values are meant.
const everyHour = 1 << 63

// Next is the first time of the schedule that is later than t; zero if there is none within five years.
func (s Schedule) Next(t time.Time) time.Time {
	t = t.Round(0) // what counts is the clock on the wall
	if s.spec.Hour&everyHour != 0 {
		spec := *s.spec
		spec.Location = s.zone
		return spec.Next(t).UTC()
	}
	for wall := onWall(t, s.zone); ; {
		if wall = s.spec.Next(wall); wall.IsZero() {
			return wall
		}
		if next := fromWall(wall, s.zone); next.After(t) {
			return next.UTC()
		}
	}
}

// Latest is the last time of the schedule that is later than after and not later than now; zero if there is none.
func (s Schedule) Latest(after, now time.Time) time.Time {
	var latest time.Time
	for back := time.Hour; latest.IsZero(); back *= 4 {
		from := now.Add(-back)
		if !from.After(after) {
			from = after
		}
		for t := s.Next(from); !t.IsZero() && !t.After(now); t = s.Next(t) {
			latest = t
		}
		if from.Equal(after) {
			break
		}
	}
	return latest
}

// onWall is what the clock shows at t, as if it were a time of UTC.
func onWall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// fromWall is the first moment at which the clock shows a time, or has passed it by.
func fromWall(wall time.Time, zone *time.Location) time.Time {
	y, month, d := wall.Date()
	t := time.Date(y, month, d, wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	start, end := t.ZoneBounds()
	switch shown := onWall(t, zone); {
	case shown.After(wall): // it was put forward over it, and t is behind that
		return start
	case shown.Before(wall):
		return end
	case start.IsZero():
		return t
	}
	// The clock may have been put back to before t.
	_, offset := t.Zone()
	_, before := start.Add(-time.Second).Zone()
	if back := time.Duration(before-offset) * time.Second; back > 0 && t.Sub(start) < back {
		return t.Add(-back)
	}
	return t
}
