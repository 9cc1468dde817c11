package read

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/report"
)

// A measure says how numbers are asked for.
type measure struct {
	period  period
	query   url.Values
	links   url.Values // of links
	first   time.Time  // where the newer form begins; zero in the older one, which goes back from now
	webhook bool
}

// measure reads it from the report's params, or from the time that was asked for by hand.
func (j *job) measure() measure {
	p, asked := j.params, j.Request.Window
	m := measure{period: periodOf(p.Period), query: url.Values{}, links: url.Values{},
		webhook: p.MetricType == "webhook"}
	if p.MetricType != "" {
		m.query.Set("type", p.MetricType)
	}
	if p.Resolution != "" {
		m.newer(j)
		return m
	}
	for _, query := range []url.Values{m.query, m.links} {
		query.Set("period", m.period.name)
		switch {
		case asked != (report.Window{}):
			query.Set("steps", strconv.Itoa(m.period.most)) // as many as there are, to choose from
		case p.Steps != nil:
			query.Set("steps", strconv.Itoa(*p.Steps))
		}
	}
	if p.UniqueLinks {
		m.links.Set("unique", "true")
	}
	return m
}

// newer asks by start and end, from the beginning of a bucket on.
func (m *measure) newer(j *job) {
	m.period = periodOf(j.params.Resolution)
	end, back := j.At, m.period.back
	if j.params.Since > 0 {
		back = j.params.Since
	}
	start := end.Add(-back)
	// A run that is late tells what is so now, as in the older form: its last bucket may have grown meanwhile.
	if now := time.Now(); now.After(end) {
		end = now
	}
	if asked := j.Request.Window; !asked.Start.IsZero() {
		start = asked.Start
	}
	if asked := j.Request.Window; !asked.End.IsZero() {
		// A bucket that is asked for in part would be told with less than there is.
		begun := m.period.floor(asked.End.Add(-1), time.UTC)
		if whole := m.period.add(begun, 1); whole.Before(end) {
			end = whole
		}
	}
	m.first = m.period.floor(start, time.UTC)
	if earliest := end.Add(-tenYears); m.first.Before(earliest) {
		m.first = m.period.add(m.period.floor(earliest, time.UTC), 1)
	}
	m.query.Set("version", "2")
	m.query.Set("res", m.period.name)
	m.query.Set("start", strconv.FormatInt(m.first.Unix(), 10))
	m.query.Set("end", strconv.FormatInt(end.Unix(), 10))
}

// known are the series that every bucket has.
func (m *measure) known(also string) []string {
	all := messageSeries[:len(messageSeries):len(messageSeries)]
	if also != "" {
		all = append(all, also)
	}
	if m.webhook {
		all = append(all, webhookSeries...)
	}
	return all
}

// numbers are an answer, and what is needed to tell its times.
type numbers struct {
	measure
	doing  string
	answer object
	asked  time.Time
}

// ask asks for numbers. In the older form their times count from now, so that it asks again where a bucket has ended
// meanwhile: the answer may be of before or of after.
func (m measure) ask(ctx context.Context, j *job, doing, path string, query url.Values) (numbers, error) {
	for {
		asked := time.Now()
		raw, err := j.get(ctx, doing, path+"?"+query.Encode())
		if err != nil {
			return numbers{}, err
		}
		answer, err := decode(doing, raw)
		n := numbers{m, doing, answer, asked}
		_, told := n.start()
		same := m.period.floor(asked, est).Equal(m.period.floor(time.Now(), est))
		if err != nil || told || !m.first.IsZero() || same {
			return n, err
		}
	}
}

// start is the beginning of the first bucket, as the answer tells it.
func (n numbers) start() (time.Time, bool) {
	text := n.answer.text("start")
	if text == "" {
		text = n.answer.inner("metric").text("start")
	}
	return n.period.aligned(parseTime(text))
}

// windows are the times of so many buckets: those that the answer tells, else those that were asked for.
func (n numbers) windows(buckets int) []report.Window {
	first, told := n.start()
	if !told {
		first = n.first
	}
	if first.IsZero() {
		first = n.period.add(n.period.floor(n.asked, est), 1-buckets)
	}
	return n.period.windows(first, buckets)
}
