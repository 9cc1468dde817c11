package app

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/exchange"
)

// series are the metrics that a report has.
var series = []string{
	"attempted", "bounced", "clicked", "converted", "created", "deferred", "delivered", "drafted", "failed", "opened",
	"sent", "spammed", "suppressed", "undeliverable", "unsubscribed",
}

// periods are the lengths of a step, and the most steps that there can be.
var periods = map[string]struct {
	step  time.Duration
	most  int
	usual int
}{
	"hours":  {time.Hour, 24, 24},
	"days":   {24 * time.Hour, 45, 45},
	"weeks":  {7 * 24 * time.Hour, 12, 12},
	"months": {30 * 24 * time.Hour, 121, 12},
}

// resolutions are the periods as the second version of metrics calls them.
var resolutions = map[string]string{
	"hours": "hours", "hourly": "hours", "days": "days", "daily": "days", "weeks": "weeks", "weekly": "weeks",
	"months": "months", "monthly": "months",
}

// window is the time that a report is about: steps of one length, oldest first.
type window struct {
	name  string
	start time.Time
	step  time.Duration
	steps int
}

// window reads it from the query string: period and steps, or version 2 with res, start and end.
func (q *query) window() (w window, wrong exchange.Answer) {
	if q.values.Get("version") == "2" {
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
	if !good || steps < 0 {
		return w, q.fail(http.StatusBadRequest, "steps must be a whole number")
	}
	switch {
	case steps == 0:
		steps = period.most
	case steps == 1:
		steps = 2 // as documented
	}
	w.step, w.steps = period.step, min(steps, period.most)
	w.start = q.now.Truncate(w.step).Add(-time.Duration(w.steps-1) * w.step)
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
	w.name, w.step, w.start = name, periods[name].step, time.Unix(int64(start), 0)
	w.steps = int((time.Duration(end-start)*time.Second + w.step - 1) / w.step)
	return w, wrong
}

// count counts the times by step, of those that lie in the window.
func (w window) count(times []int64) []int {
	out := make([]int, w.steps)
	for _, t := range times {
		if d := time.Unix(t, 0).Sub(w.start); d >= 0 && int(d/w.step) < w.steps {
			out[d/w.step]++
		}
	}
	return out
}

// metrics reports on the deliveries of a source.
func (q *query) metrics(source string) exchange.Answer {
	w, wrong := q.window()
	if wrong.Status != 0 {
		return wrong
	}
	times := map[string][]int64{}
	for _, m := range q.w.Deliveries() {
		if kind := q.values.Get("type"); !of(m, source) || kind != "" && kind != channelOf(m) {
			continue
		}
		for metric, at := range m.Metrics {
			times[metric] = append(times[metric], at)
		}
	}
	all := object{}
	for _, metric := range series {
		all[metric] = w.count(times[metric])
	}
	const layout = "2006-01-02 15:04:05 -0700 MST"
	return ok(object{
		"metric": object{"series": all}, "res": w.name, "start": w.start.UTC().Format(layout),
		"end": w.start.Add(time.Duration(w.steps) * w.step).UTC().Format(layout),
	})
}

// links reports on the clicks of a source's deliveries by the address that was clicked. With unique, a delivery counts
// once for an address.
func (q *query) links(source string) exchange.Answer {
	w, wrong := q.window()
	if wrong.Status != 0 {
		return wrong
	}
	clicks := map[string][]int64{}
	for _, m := range q.w.Deliveries() {
		if !of(m, source) {
			continue
		}
		seen := map[string]bool{}
		for _, c := range m.Clicks {
			if q.values.Get("unique") != "true" || !seen[c.Href] {
				clicks[c.Href] = append(clicks[c.Href], c.At)
			}
			seen[c.Href] = true
		}
	}
	links := []object{}
	for i, href := range slices.Sorted(maps.Keys(clicks)) {
		links = append(links, object{
			"link":   object{"id": i + 1, "href": href},
			"metric": object{"series": object{"clicked": w.count(clicks[href])}},
		})
	}
	return ok(object{"links": links})
}

// journeyMetrics reports on the people in a campaign. The emulator runs none, so that nobody is in one.
func journeyMetrics(q *query) exchange.Answer {
	w, wrong := q.between("resolution")
	if wrong.Status != 0 {
		return wrong
	}
	none := w.count(nil)
	return ok(object{"journey_metric": object{
		"started": none, "activated": none, "messaged": none, "finished": none, "exited_early": none,
		"converted": none, "never_activated": none,
	}})
}

// source names what a path is about, as deliveries name what they are of.
func source(kind, id string) string { return strings.TrimSuffix(kind, "s") + ":" + id }
