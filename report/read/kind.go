package read

import (
	"context"
	"slices"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/report"
)

// A kind is a type of reports.
type kind struct {
	params   []string // the keys that it knows
	restated bool
	timed    bool // it can be asked for a time
	check    func(p report.Params, l *mistake.List)
	read     func(ctx context.Context, j *job) error
}

// kinds are the types of reports by their names.
var kinds = map[string]kind{
	"campaigns": {
		params:   []string{"metric_type", "period", "steps", "links", "unique_links", "resolution", "since"},
		restated: true, timed: true, check: checkCampaigns, read: campaigns.metrics,
	},
	"newsletters": {
		params:   []string{"metric_type", "period", "steps", "links", "unique_links"},
		restated: true, timed: true, check: checkMetrics, read: newsletters.metrics,
	},
	"broadcasts": {
		params:   []string{"metric_type", "period", "steps", "links", "unique_links"},
		restated: true, timed: true, check: checkMetrics, read: broadcasts.metrics,
	},
	"customers": {
		params: []string{"segments", "filter", "attributes"}, check: checkPeople, read: readPeople,
	},
	"customers_export": {
		params: []string{"segments", "filter", "attributes"}, check: checkPeople, read: exportPeople,
	},
	"deliveries_export": {
		params: []string{"of", "attributes", "metric", "drafts", "since"}, timed: true,
		check: checkDeliveries, read: exportDeliveries,
	},
	"segments": {params: []string{"segments", "members"}, check: checkSegments, read: readSegments},
	"activities": {
		params: []string{"activities", "since"}, timed: true, check: checkActivities, read: readActivities,
	},
}

// listed is the order in which documents list the types.
var listed = []string{
	"campaigns", "newsletters", "broadcasts", "customers", "customers_export", "deliveries_export", "segments",
	"activities",
}

// Types lists the types of reports.
func Types() []string { return slices.Clone(listed) }

// Timed reports whether a report of this type can be asked for a time by hand. The others tell what is true now.
func Timed(kind string) bool { return kinds[kind].timed }

// params are all keys of params, and whether one of them is given.
var params = []struct {
	key   string
	given func(report.Params) bool
}{
	{"segments", func(p report.Params) bool { return p.Segments != nil }},
	{"members", func(p report.Params) bool { return p.Members }},
	{"filter", func(p report.Params) bool { return p.Filter != "" }},
	{"attributes", func(p report.Params) bool { return p.Attributes != nil }},
	{"metric_type", func(p report.Params) bool { return p.MetricType != "" }},
	{"period", func(p report.Params) bool { return p.Period != "" }},
	{"steps", func(p report.Params) bool { return p.Steps != nil }},
	{"links", func(p report.Params) bool { return p.Links }},
	{"unique_links", func(p report.Params) bool { return p.UniqueLinks }},
	{"resolution", func(p report.Params) bool { return p.Resolution != "" }},
	{"since", func(p report.Params) bool { return p.Since != 0 }},
	{"of", func(p report.Params) bool { return p.Of != nil }},
	{"metric", func(p report.Params) bool { return p.Metric != "" }},
	{"drafts", func(p report.Params) bool { return p.Drafts }},
	{"activities", func(p report.Params) bool { return p.Activities != nil }},
}
