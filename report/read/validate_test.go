package read_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
)

// Every mistake is told at once, with its path.
func TestValidate(t *testing.T) {
	number := func(n int) *int { return &n }
	steps := func(period string, n int) report.Config {
		return report.Config{Type: "newsletters", Params: report.Params{Period: period, Steps: number(n)}}
	}
	for _, c := range []struct {
		is     string
		config report.Config
		want   []string
	}{
		{"right", report.Config{Type: "segments"}, nil},
		{"right, too", report.Config{Type: "segments", Params: report.Params{
			Segments: []string{"VIP", "4"}, Members: true}}, nil},
		{"no type", report.Config{}, []string{"type: is missing: give "}},
		{"another type", report.Config{Type: "segment"}, []string{
			`type: "segment" is no type of reports, did you mean`}},
		{"of another type", report.Config{Type: "segments", Params: report.Params{
			Members: true, Since: time.Hour, Activities: []string{"a"}}}, []string{
			"params.since: means nothing to a report of type segments, which knows segments and members",
			"params.activities: means nothing", "params.members: needs segments"}},
		{"lists", report.Config{Type: "segments", Params: report.Params{Segments: []string{"a", " ", "a"}}}, []string{
			"params.segments[1]: is empty", `params.segments[2]: "a" stands there twice`}},
		{"activities", report.Config{Type: "activities", Params: report.Params{
			Activities: []string{}, Since: 31 * 24 * time.Hour}}, []string{
			"params.activities: is an empty list", "params.since: 744h0m0s is outside 1h0m0s to 720h0m0s"}},
		{"the most hours", steps("hours", 24), nil},
		{"more hours", steps("hourly", 25), []string{
			"params.steps: 25 is outside 0 to 24, which is the most for hours"}},
		{"the most days", steps("", 45), nil},
		{"more days", steps("", 46), []string{
			"params.steps: 46 is outside 0 to 45, which is the most for days"}},
		{"the most weeks", steps("weeks", 12), nil},
		{"more weeks", steps("weeks", 13), []string{
			"params.steps: 13 is outside 0 to 12, which is the most for weeks"}},
		{"the most months", steps("months", 121), nil},
		{"more months", steps("months", 122), []string{"params.steps: 122 is outside 0 to 121"}},
		{"all steps that there are", steps("months", 0), nil},
		{"fewer than none", steps("months", -1), []string{"params.steps: -1 is outside"}},
		{"numbers", report.Config{Type: "broadcasts", Params: report.Params{
			MetricType: "emial", Period: "day", UniqueLinks: true, Resolution: "days"}}, []string{
			"params.resolution: means nothing to a report of type broadcasts",
			`params.metric_type: "emial" is not known, did you mean "email"?: give email, webhook, twilio`,
			`params.period: "day" is not known, did you mean "days"?: give hours, days, weeks or months`,
			"params.unique_links: needs links: true"}},
		{"messages by text", report.Config{Type: "campaigns", Params: report.Params{MetricType: "sms"}}, []string{
			`params.metric_type: "sms" is called "twilio" by Customer.io`}},
		{"the newer form", report.Config{Type: "campaigns", Params: report.Params{
			Resolution: "daily", Since: 400 * 24 * time.Hour, MetricType: "live_notification"}}, nil},
		{"both forms", report.Config{Type: "campaigns", Params: report.Params{
			Resolution: "daily", Period: "days", Steps: number(3), Links: true, MetricType: "urban_airship",
			Since: 11 * 365 * 24 * time.Hour}}, []string{
			"params.since: 96360h0m0s is outside", "params.period: cannot stand beside resolution",
			"params.steps: cannot stand beside resolution", "params.links: cannot stand beside resolution",
			"params.metric_type: urban_airship cannot stand beside resolution: give email, webhook"}},
		{"a kind of the older form", report.Config{Type: "newsletters", Params: report.Params{
			MetricType: "inbox"}}, nil},
		{"and of no other", report.Config{Type: "campaigns", Params: report.Params{
			MetricType: "inbox", Resolution: "daily"}}, []string{
			"params.metric_type: inbox cannot stand beside resolution: give email, webhook, twilio, slack, push"}},
		{"the older form", report.Config{Type: "campaigns", Params: report.Params{Since: time.Hour}}, []string{
			"params.since: needs resolution"}},
		{"no people", report.Config{Type: "customers"}, []string{
			"params.segments: is missing: give segments or a filter"}},
		{"people", report.Config{Type: "customers_export", Params: report.Params{
			Filter: `{"segment":{"id":"4"}}`, Attributes: []string{"a", "a"}}}, []string{
			`params.attributes[1]: "a" stands there twice`, "params.filter: has a segment whose id is no whole number"}},
		{"no deliveries", report.Config{Type: "deliveries_export"}, []string{
			"params.of: is missing: give one of action, campaign, newsletter and transactional with its id"}},
		{"deliveries", report.Config{Type: "deliveries_export", Params: report.Params{
			Of: map[string]string{"campaignn": "7", "newsletter": "June"}, Metric: "send",
			Since: time.Minute}}, []string{
			"params.of: names 2 things", `params.of.campaignn: is not known, did you mean "campaign"?`,
			`params.of.newsletter: "June" is no id`, `params.metric: "send" is not known, did you mean "sent"?`,
			"params.since: 1m0s is outside 1h0m0s to 8760h0m0s"}},
	} {
		err := read.Validate(c.config)
		var lines []string
		if err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if len(lines) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.is, lines, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%s: %q, want %q", c.is, lines[i], want)
			}
		}
		if _, err := read.New(c.config, nil); (err == nil) != (c.want == nil) {
			t.Errorf("%s: New gives %v", c.is, err)
		}
	}
}

// Numbers are told again when they change; lists are told once.
func TestRestated(t *testing.T) {
	params := map[string]report.Params{
		"customers": {Segments: []string{"a"}}, "customers_export": {Segments: []string{"a"}},
		"deliveries_export": {Of: map[string]string{"campaign": "1"}},
	}
	for _, kind := range read.Types() {
		r, err := read.New(report.Config{Type: kind, Params: params[kind]}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := kind == "campaigns" || kind == "newsletters" || kind == "broadcasts"; r.Restated() != want {
			t.Errorf("%s: %t", kind, r.Restated())
		}
	}
	if len(read.Types()) != 8 {
		t.Errorf("types %q", read.Types())
	}
}
