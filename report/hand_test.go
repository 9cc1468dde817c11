package report_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/reporttest"
)

func within(start, end string) report.Window {
	return report.Window{Start: instant(start), End: instant(end)}
}

// hand runs the report by hand in the first workspace.
func (d *desk) hand(w report.Window) report.Status {
	d.t.Helper()
	list, err := d.runner.Once(d.t.Context(), "numbers", report.Hand{Workspaces: []string{""}, Window: w})
	if err != nil {
		d.t.Fatal(err)
	}
	return list[0]
}

// What somebody has asked for by hand is not told again by the schedule, and the other way round. A run by hand that
// tells of all is one that came early.
func TestRunByHandBesideTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:30:00Z", "daily at 06:00", reporttest.Happened)
		d.reader.Objects, d.reader.Windows = 1, 60
		d.run(time.Hour)
		first := d.first()
		s := d.hand(within("2026-06-01T05:50:00Z", "2026-06-01T06:20:00Z"))
		if s.Counts.Published != 20 || s.Counts.Unchanged != 10 || !s.ByHand {
			t.Errorf("the status is %+v", s)
		}
		if s = d.hand(within("2026-06-01T05:50:00Z", "2026-06-01T06:25:00Z")); s.Counts.Published != 5 {
			t.Errorf("the status is %+v", s)
		}
		d.ahead += 30 * time.Minute // 07:00
		if s = d.hand(report.Window{}); s.Counts.Published != 35 || s.Counts.Unchanged != 25 {
			t.Errorf("the status is %+v", s)
		}
		d.run(24 * time.Hour)
		if got, want := d.first(), first+24*60; got != want {
			t.Errorf("%d are published, want %d, one for each minute", got, want)
		}
		d.once()
		for _, wrong := range []report.Window{
			within("2026-06-01T05:50:00Z", "2026-06-01T05:50:00Z"),
			{Start: instant("2036-06-01T05:50:00Z")},
		} {
			if _, err := d.runner.Once(t.Context(), "numbers", report.Hand{Window: wrong}); err == nil {
				t.Errorf("%v is a time", wrong)
			}
		}
	})
}

// A run that was cut short is finished before another one begins.
func TestRunByHandAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
		ctx, cancel := context.WithCancel(t.Context())
		d.reader.after = func(int) error {
			cancel()
			return ctx.Err()
		}
		d.runner.Run(ctx)
		d.reader.after = nil
		d.restart("daily at 06:00")
		d.hand(report.Window{})
		if got, want := d.asked(), "01 06:00 +0s, 01 06:00 +0s, 01 06:00 +0s"; got != want {
			t.Errorf("ran at %s, want %s", got, want)
		}
		if d.once() != 8 {
			t.Errorf("%d are published", d.once())
		}
	})
}

// Two runs within a second are two snapshots.
func TestRunsByHandAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
		for range 3 {
			d.hand(report.Window{})
		}
		if d.once() != 12 {
			t.Errorf("%d are published, of 12", d.once())
		}
	})
}

// While another process runs reports, one by hand waits for it, and says so.
func TestRunByHandWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
		other := d.world.Process(reporttest.Fault{}, func() {})
		_, release, err := other.Lead(t.Context(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		time.AfterFunc(time.Minute, release)
		_, err = d.runner.Once(t.Context(), "numbers", report.Hand{Standby: func() { told++ }})
		if err != nil || told != 1 || d.once() != 8 {
			t.Errorf("%v, told %d times, %d are published", err, told, d.once())
		}
	})
}

// A preview tells what would be published, with the revisions it would have, and leaves nothing behind.
func TestPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2000-01-01T00:00:00Z", every, reporttest.Numbers)
		d.run(6 * time.Minute)
		before := len(d.world.Events())
		puts := fmt.Sprint(d.world.Puts)
		p := d.world.Process(reporttest.Fault{}, func() {})
		of := report.Report{Config: report.Config{Name: "numbers", Type: "campaigns"}, Reader: d.reader}
		for _, store := range []report.Store{p, nil} {
			got := map[string]int{}
			counts, err := report.Preview(t.Context(), of, store, report.Hand{}, func(s report.Shown) error {
				switch {
				case s.Malformed != nil:
					got["malformed"]++
				case s.Unchanged:
					got["unchanged"]++
				default:
					got[fmt.Sprint("revision ", s.Event.Revision)]++
				}
				return nil
			})
			want := "map[malformed:1 revision 1:4 revision 2:4 unchanged:4]"
			if store == nil {
				want = "map[malformed:1 revision 1:12]"
			}
			if fmt.Sprint(got) != want || err != nil || counts.Rows != 12 {
				t.Errorf("shown are %v, %v, %+v; want %s", got, err, counts, want)
			}
		}
		if len(d.world.Events()) != before || fmt.Sprint(d.world.Puts) != puts || len(d.world.Letters) != 2 {
			t.Error("something was left behind")
		}
	})
}

// What makes a run impossible is the error of who asked for it.
func TestRunByHandCannotSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
		gone := errors.New("there is no such segment")
		d.reader.fail = func(int) error { return fmt.Errorf("read: %w", retry.Permanent(gone)) }
		list, err := d.runner.Once(t.Context(), "numbers", report.Hand{})
		if !errors.Is(err, gone) || err.Error() != "report numbers: read: there is no such segment" || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
		d.reader.fail = nil
		if _, err = d.runner.Once(t.Context(), "numbers", report.Hand{}); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsNotThereIsRefused(t *testing.T) {
	d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
	_, err := d.runner.Once(t.Context(), "number", report.Hand{})
	if err == nil || !strings.Contains(err.Error(), `there is no report "number"`) {
		t.Error(err)
	}
	_, err = d.runner.Once(t.Context(), "numbers", report.Hand{Workspaces: []string{"us"}})
	if err == nil || !strings.Contains(err.Error(), `not read from a workspace "us"`) {
		t.Error(err)
	}
	_, err = report.New(report.Options{Reports: []report.Report{{}, {Config: report.Config{Schedule: "never"}}}})
	if err == nil || !strings.HasPrefix(err.Error(), "reports[1].schedule") {
		t.Error(err)
	}
}

// The status that is read from the store is that of the process which ran the report.
func TestStoredStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2000-01-01T05:50:00Z", "daily at 06:00", reporttest.Numbers)
		d.run(time.Hour)
		p := d.world.Process(reporttest.Fault{}, func() {})
		stored, err := report.StoredStatus(t.Context(), p, []report.Report{{Config: report.Config{
			Name: "numbers", Type: "campaigns", Schedule: "daily at 06:00", Workspaces: []string{"", "eu"},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range d.runner.Status() {
			want.To = "" // of a target that nobody has opened
			if stored[i] != want || want.Counts.Rows != 12 || want.Counts.Malformed != 1 {
				t.Errorf("the status is\n%+v, want\n%+v", stored[i], want)
			}
		}
	})
}
