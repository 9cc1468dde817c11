package read_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/report"
)

// Each type reads the rows of its golden file from the answers in it. The clock of the tests stands at the beginning of
// the year 2000.
func TestGoldenRows(t *testing.T) {
	two, none := 2, 0
	last := report.Request{At: at, Last: at.Add(-24 * time.Hour)}
	for _, c := range []struct {
		name string
		is   report.Config
		of   report.Request
	}{
		{"segments", report.Config{Type: "segments", Params: report.Params{
			Segments: []string{"4", "Email Activity - Sent"}, Members: true}}, last},
		{"activities", report.Config{Type: "activities"}, last},
		{"campaigns", report.Config{Type: "campaigns", Params: report.Params{
			MetricType: "email", Period: "daily", Steps: &two, Links: true, UniqueLinks: true}}, last},
		{"resolution", report.Config{Type: "campaigns", Params: report.Params{
			Resolution: "monthly", Since: 45 * 24 * time.Hour}}, last},
		{"newsletters", report.Config{Type: "newsletters", Params: report.Params{Period: "weeks"}}, last},
		{"broadcasts", report.Config{Type: "broadcasts", Params: report.Params{
			MetricType: "webhook", Period: "hours", Steps: &none}}, last},
		{"customers", report.Config{Type: "customers", Params: report.Params{
			Segments: []string{"VIP", "5"}, Attributes: []string{"plan", "city"},
			Filter: `{"not":{"attribute":{"field":"test","operator":"exists"}}}`}}, last},
		{"customers_export", report.Config{Type: "customers_export", Params: report.Params{
			Segments:   []string{"Email Activity - Sent", "Email Activity - Opened"},
			Attributes: []string{"plan", "note"}}}, last},
		{"deliveries_export", report.Config{Type: "deliveries_export", Params: report.Params{
			Of: map[string]string{"campaign": "7"}, Attributes: []string{"subject"}, Metric: "bounced", Drafts: true,
			Since: 72 * time.Hour}}, report.Request{At: at}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { golden(t, c.name, c.is, c.of) })
		})
	}
}
