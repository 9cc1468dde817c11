package read

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

// A family is a kind of objects that have numbers.
type family struct {
	one  string // as rows name one
	many string // as paths and lists do
	list string // the query of the list
	also string // a series that its messages are counted by, too
}

var (
	campaigns   = family{one: "campaign", many: "campaigns"}
	newsletters = family{one: "newsletter", many: "newsletters", list: "?limit=100"}
	broadcasts  = family{one: "broadcast", many: "broadcasts", also: "prefetch_clicked"}
)

// definition are the members of an object that say how it is made or how it is doing, which its numbers do not depend
// on: a row with one of them would be another whenever somebody edits the object.
var definition = []string{
	"deduplicate_id", "updated", "updated_at", "actions", "active", "state", "description", "first_started",
	"content_ids", "filter_segment_ids", "trigger_segment_ids", "recipient_segment_ids", "subscription_topic_id",
	"msg_templates", "event_name", "date_attribute", "frequency", "timezone", "use_customer_timezone", "start_hour",
	"start_minutes",
}

var metricTypes = []string{
	"email", "webhook", "twilio", "urban_airship", "slack", "push", "whatsapp", "in_app", "inbox", "live_notification",
}

// olderTypes are those that the newer form does not have.
var olderTypes = []string{"urban_airship", "inbox"}

const tenYears = 3652 * day

// checkMetrics looks at the params of numbers.
func checkMetrics(p report.Params, l *mistake.List) {
	if p.MetricType == "sms" {
		l.Add(at("params.metric_type"), `"sms" is called "twilio" by Customer.io`)
	} else {
		oneOf("metric_type", p.MetricType, metricTypes, l)
	}
	oneOf("period", spelling(p.Period), periodNames(), l)
	if most := periodOf(p.Period).most; p.Steps != nil && (*p.Steps < 0 || *p.Steps > most) {
		l.Add(at("params.steps"), "%d is outside 0 to %d, which is the most for %s", *p.Steps, most,
			periodOf(p.Period).name)
	}
	if p.UniqueLinks && !p.Links {
		l.Add(at("params.unique_links"), "needs links: true")
	}
}

// checkCampaigns looks at the newer form, too.
func checkCampaigns(p report.Params, l *mistake.List) {
	checkMetrics(p, l)
	oneOf("resolution", spelling(p.Resolution), periodNames(), l)
	checkSince(p.Since, tenYears, l)
	if p.Resolution == "" {
		if p.Since != 0 {
			l.Add(at("params.since"), "needs resolution: the older form goes back by period and steps")
		}
		return
	}
	for _, given := range []struct {
		key string
		is  bool
	}{{"period", p.Period != ""}, {"steps", p.Steps != nil}, {"links", p.Links}} {
		if given.is {
			l.Add(at("params."+given.key), "cannot stand beside resolution: the newer form goes by resolution and "+
				"since, and has no links: make two reports of it")
		}
	}
	if slices.Contains(olderTypes, p.MetricType) {
		older := func(s string) bool { return slices.Contains(olderTypes, s) }
		newer := slices.DeleteFunc(slices.Clone(metricTypes), older)
		l.Add(at("params.metric_type"), "%s cannot stand beside resolution: give %s", p.MetricType, choice.List(newer))
	}
}

// spelling is the one name of a period, or the text itself where it is none.
func spelling(text string) string {
	if name := spellings[text]; name != "" {
		return name
	}
	return text
}

func periodNames() (names []string) {
	for _, p := range periods {
		names = append(names, p.name)
	}
	return names
}

// metrics reads the numbers of all objects of a family.
func (f family) metrics(ctx context.Context, j *job) error {
	all, err := f.all(ctx, j)
	if err != nil {
		return err
	}
	m := j.measure()
	var failed troubles
	for _, about := range all {
		err := f.read(ctx, j, m, about)
		if err != nil && !missing(err) && !failed.add(err) { // what is missing was deleted meanwhile
			return err
		}
	}
	return failed.err()
}

// all lists the objects of a family, each once, without what their numbers do not depend on. They are few; while they
// are asked for their numbers a list that is read page by page would move.
func (f family) all(ctx context.Context, j *job) (all []object, err error) {
	doing, seen := "list the "+f.many, map[string]bool{}
	err = j.pages(ctx, doing, "/v1/"+f.many+f.list, nil, func(page object) (bool, error) {
		return true, page.list(doing, f.many, func(o object) error {
			id := o.text("id")
			if id == "" {
				return fmt.Errorf("%s: %w", doing, errShape)
			}
			if !seen[id] {
				all = append(all, o.without(definition...))
			}
			seen[id] = true
			return nil
		})
	})
	return all, err
}

// read tells the numbers of one object, and of its links where that is asked for.
func (f family) read(ctx context.Context, j *job, m measure, about object) error {
	id := about.text("id")
	name, path := f.one+"/"+id, "/v1/"+f.many+"/"+url.PathEscape(id)+"/metrics"
	numbers, err := m.ask(ctx, j, "read the numbers of "+name, path, m.query)
	if err != nil {
		return err
	}
	s, err := seriesOf(numbers.doing, numbers.answer, m.known(f.also))
	if err != nil {
		return err
	}
	windows := numbers.windows(s.buckets)
	row := map[string]any{f.one: about, "period": m.period.name}
	if j.params.MetricType != "" {
		row["metric_type"] = j.params.MetricType
	}
	if err := j.buckets(name, windows, s, row); err != nil || !j.params.Links {
		return err
	}
	return f.readLinks(ctx, j, numbers, about, windows)
}

// readLinks tells the numbers of the links of one object. An answer about links names no times: their buckets are those
// of the object's own numbers, unless one has ended meanwhile.
func (f family) readLinks(ctx context.Context, j *job, n numbers, about object, windows []report.Window) error {
	id := about.text("id")
	name, path := f.one+"/"+id, "/v1/"+f.many+"/"+url.PathEscape(id)+"/metrics/links"
	links, err := n.ask(ctx, j, "read the links of "+name, path, n.links)
	if err != nil {
		return err
	}
	same := n.period.floor(n.asked, est).Equal(n.period.floor(links.asked, est))
	return links.answer.list(links.doing, "links", func(l object) error {
		link := l.inner("link")
		if link.text("id") == "" {
			return fmt.Errorf("%s: %w", links.doing, errShape)
		}
		s, err := seriesOf(links.doing, l, linkSeries)
		if err != nil {
			return err
		}
		times := windows
		if len(times) != s.buckets || !same {
			times = links.windows(s.buckets)
		}
		row := map[string]any{
			f.one: about, "link": link, "period": n.period.name, "unique": j.params.UniqueLinks,
		}
		return j.buckets(name+"/link/"+link.text("id"), times, s, row)
	})
}

// buckets hands on a row for each bucket that lies in the time that was asked for.
func (j *job) buckets(name string, windows []report.Window, s series, row map[string]any) error {
	asked := j.Request.Window
	if len(windows) > 0 && asked.Start.Before(windows[0].Start) && !asked.Start.IsZero() {
		return retry.Permanent(&ReachError{"read the numbers of " + name + " by this period", windows[0].Start})
	}
	for i, w := range windows {
		if !asked.Start.IsZero() && !w.End.After(asked.Start) || !asked.End.IsZero() && !w.Start.Before(asked.End) {
			continue
		}
		row["metrics"] = s.bucket(i)
		if err := j.row(name, w, row); err != nil {
			return err
		}
	}
	return nil
}

// A ReachError says that a time was asked for of which Customer.io does not tell.
type ReachError struct {
	doing    string
	earliest time.Time
}

// Error says how far back Customer.io goes.
func (e *ReachError) Error() string {
	return fmt.Sprintf("%s: Customer.io goes back to %s: ask for a later time", e.doing,
		e.earliest.UTC().Format(time.RFC3339))
}
