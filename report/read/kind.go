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
	check    func(p report.Params, l *mistake.List)
	read     func(ctx context.Context, j *job) error
}

// kinds are the types of reports by their names.
var kinds = map[string]kind{
	"segments": {params: []string{"segments", "members"}, read: readSegments, check: checkSegments},
	"activities": {
		params: []string{"activities", "since"}, read: readActivities, check: checkActivities,
	},
}

// order is that in which documents list the types.
var order = []string{
	"campaigns", "newsletters", "broadcasts", "customers", "customers_export", "deliveries_export", "segments",
	"activities",
}

// Types lists the types of reports.
func Types() []string {
	return slices.DeleteFunc(slices.Clone(order), func(name string) bool { return kinds[name].read == nil })
}

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
