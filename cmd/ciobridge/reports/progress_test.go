package reports

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProgressCountsAllWorkspaces(t *testing.T) {
	p := &progress{name: "campaigns"}
	p.count("", report.Counts{Rows: 5, Published: 4, Unchanged: 1})
	if got := p.state(10 * time.Second).Text; got != "campaigns: 5 rows, 4 published, 1 unchanged, 10s" {
		t.Error(got)
	}
	p.count("us", report.Counts{Rows: 2, Published: 1, Malformed: 1})
	if got := p.state(20 * time.Second).Text; got != "campaigns in us: 7 rows, 5 published, 1 unchanged, 20s, "+
		"1 dead letter" {
		t.Error(got)
	}
}

func TestWindow(t *testing.T) {
	now := time.Date(2026, 10, 5, 8, 30, 0, 5, time.UTC)
	w, err := window("2026-10-01", "", now)
	if err != nil || w.Start != time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC) || w.End != now.Truncate(time.Second) {
		t.Errorf("%v, %v", w, err)
	}
	if w, err := window("", "", now); err != nil || w != (report.Window{}) {
		t.Errorf("%v, %v", w, err)
	}
}
