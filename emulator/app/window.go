package app

import (
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
	_ "time/tzdata" // the zones that a request names, on machines that have none

	"github.com/ciobridge/ciobridge/emulator/exchange"
)

// A period is a length of a step. Its begin is that of the one in which a time lies; its move goes by so many.
type period struct {
	most, usual int
	begin       func(t time.Time) time.Time
	move        func(t time.Time, by int) time.Time
}

var periods = map[string]period{
	"hours": {24, 24,
		func(t time.Time) time.Time { return t.Truncate(time.Hour) },
		func(t time.Time, by int) time.Time { return t.Add(time.Duration(by) * time.Hour) }},
	"days": {45, 45, midnight, days(1)},
	"weeks": {12, 12,
		func(t time.Time) time.Time { return midnight(t).AddDate(0, 0, -int(t.Weekday())) }, days(7)},
	"months": {121, 12,
		func(t time.Time) time.Time { return midnight(t).AddDate(0, 0, 1-t.Day()) },
		func(t time.Time, by int) time.Time { return t.AddDate(0, by, 0) }},
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func days(n int) func(t time.Time, by int) time.Time {
	return func(t time.Time, by int) time.Time { return t.AddDate(0, 0, n*by) }
}

// eastern is where the days of the first version of metrics begin: "00:00 EST", which knows no daylight saving.
var eastern = time.FixedZone("EST", -5*60*60)

// resolutions are the periods as the second version of metrics calls them.
var resolutions = map[string]string{
	"hours": "hours", "hourly": "hours", "days": "days", "daily": "days", "weeks": "weeks", "weekly": "weeks",
	"months": "months", "monthly": "months",
}

// types are the kinds of messages that metrics can be narrowed to, of each version.
var types = map[bool][]string{
	false: {"email", "webhook", "twilio", "urban_airship", "slack", "push", "whatsapp", "in_app", "inbox",
		"live_notification"},
	true: {"email", "webhook", "twilio", "whatsapp", "slack", "push", "in_app", "live_notification"},
}

// window is the time that a report is about: steps of one length, oldest first.
type window struct {
	name   string
	bounds []time.Time // where each step begins, and where the last one ends
	from   time.Time   // what was before is not counted, also where the first step begins earlier
	until  time.Time   // nor what was from then on
}

// window reads it from the query string: period and steps, or version 2 with res, start and end, which only campaigns
// and their actions have.
func (q *query) window(kind string) (w window, wrong exchange.Answer) {
	newer := q.values.Get("version") == "2"
	if newer && kind != "campaign" {
		return w, q.fail(http.StatusBadRequest, "version 2 is for campaigns and their actions")
	}
	if t := q.values.Get("type"); t != "" && !slices.Contains(types[newer], t) {
		return w, q.fail(http.StatusBadRequest, "type must be one of "+strings.Join(types[newer], ", "))
	}
	if newer {
		return q.between("res")
	}
	w.name = "days"
	if q.values.Has("period") {
		w.name = q.values.Get("period")
	}
	period, known := periods[w.name]
	if !known {
		return w, q.fail(http.StatusBadRequest, "period must be one of hours, days, weeks or months")
	}
	steps, good := q.whole("steps", period.usual)
	if !good || steps < 0 || steps > period.most {
		return w, q.fail(http.StatusBadRequest,
			"steps of "+w.name+" must be a whole number of at most "+text(period.most))
	}
	switch {
	case steps == 0:
		steps = period.most
	case steps == 1:
		steps = 2 // as documented
	}
	last := period.begin(q.now.In(eastern))
	for n := 1 - steps; n <= 1; n++ {
		w.bounds = append(w.bounds, period.move(last, n))
	}
	w.from, w.until = w.bounds[0], w.bounds[steps]
	return w, wrong
}

// between reads a window with a start and an end.
func (q *query) between(resolution string) (w window, wrong exchange.Answer) {
	start, good := q.whole("start", 0)
	end, good2 := q.whole("end", 0)
	name, known := resolutions[q.values.Get(resolution)]
	if !known || !good || !good2 || start <= 0 || end <= start {
		return w, q.fail(http.StatusBadRequest, resolution+", start and end are required")
	}
	const tenYears = 3653 * 24 * 3600
	if end-start > tenYears {
		return w, q.fail(http.StatusBadRequest, "start and end cannot be more than 10 years apart")
	}
	zone, err := time.LoadLocation(q.values.Get("tz")) // UTC where it is not given
	if err != nil {
		return w, q.fail(http.StatusBadRequest, "tz must name a time zone, such as Europe/Vienna")
	}
	w.name, w.from, w.until = name, time.Unix(int64(start), 0), time.Unix(int64(end), 0)
	at := w.from.In(zone)
	if name != "hours" { // which count from the start
		at = periods[name].begin(at)
	}
	for w.bounds = append(w.bounds, at); at.Before(w.until); w.bounds = append(w.bounds, at) {
		at = periods[name].move(at, 1)
	}
	return w, wrong
}

// count counts the times by step, of those that lie in the window.
func (w window) count(times []int64) []int {
	out := make([]int, len(w.bounds)-1)
	for _, unix := range times {
		t := time.Unix(unix, 0)
		if t.Before(w.from) || !t.Before(w.until) {
			continue
		}
		out[sort.Search(len(out), func(i int) bool { return t.Before(w.bounds[i+1]) })]++
	}
	return out
}

// edge words a bound as the API does.
func (w window) edge(i int) string { return w.bounds[i].Format("2006-01-02 15:04:05 -0700 MST") }
