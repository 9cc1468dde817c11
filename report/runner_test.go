package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/reporttest"
)

// A desk is where a report is run in a test: a clock that can be set, and what came of it.
type desk struct {
	t      *testing.T
	world  *reporttest.World
	reader *journal
	ahead  time.Duration // of the clock on the wall
	logs   *observer.ObservedLogs
	reg    *prometheus.Registry
	runner *report.Runner
}

// A journal is a reader that notes what it was asked for.
type journal struct {
	reporttest.Reader
	asked []report.Request
	at    []time.Time // when
	now   func() time.Time
	fail  func(reading int) error // before anything is told
	known func() time.Time        // until when Customer.io knows of anything
	after func(reading int) error // when all is told
}

func (j *journal) Read(ctx context.Context, q report.Request, each func(report.Row) error) error {
	j.asked, j.at = append(j.asked, q), append(j.at, j.now())
	if j.fail != nil {
		if err := j.fail(len(j.asked)); err != nil {
			return err
		}
	}
	if j.known != nil && q.At.After(j.known()) {
		q.Window = report.Window{Start: q.Last, End: j.known()}
	}
	if err := j.Reader.Read(ctx, q, each); err != nil || j.after == nil {
		return err
	}
	return j.after(len(j.asked))
}

// newDesk is one whose clock shows a time.
func newDesk(t *testing.T, shows, schedule string, kind reporttest.Kind) *desk {
	t.Helper()
	d := &desk{t: t, world: reporttest.NewWorld(), reg: canarytest.Registry(t)}
	d.set(shows)
	d.reader = &journal{Reader: reporttest.Reader{Kind: kind, Objects: 4, Windows: 3}, now: d.now}
	d.restart(schedule)
	return d
}

func (d *desk) now() time.Time { return time.Now().Add(d.ahead).Round(0) }

func (d *desk) set(shows string) { d.ahead = time.Until(instant(shows)) }

// restart begins a new process.
func (d *desk) restart(schedule string) {
	d.t.Helper()
	p := d.world.Process(reporttest.Fault{}, func() {})
	d.reader.Process = p
	core, logs := observer.New(zap.InfoLevel)
	d.logs, d.reg = logs, canarytest.Registry(d.t)
	var err error
	d.runner, err = report.New(report.Options{
		Reports: []report.Report{{
			Config: report.Config{
				Name: "numbers", Type: "campaigns", Schedule: schedule, Workspaces: []string{"", "eu"},
			},
			Reader: d.reader, Target: p.Target(),
		}},
		Store: p, DeadLetter: p.Letter, Log: canarytest.Logger(d.t, core), Registry: d.reg,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.runner.SetClock(d.now)
}

// run runs reports for a while.
func (d *desk) run(lasting time.Duration) {
	ctx, cancel := context.WithTimeout(d.t.Context(), lasting)
	defer cancel()
	d.runner.Run(ctx)
}

// asked are the times that the first workspace was read for, and when, in UTC.
func (d *desk) asked() string {
	var list []string
	for i, q := range d.reader.asked {
		if q.Workspace == "" {
			late := d.reader.at[i].Sub(q.At).Truncate(time.Minute)
			list = append(list, q.At.UTC().Format("02 15:04")+" +"+late.String())
		}
	}
	return strings.Join(list, ", ")
}

// once checks that no event is published twice.
func (d *desk) once() int {
	d.t.Helper()
	seen := map[string]bool{}
	for _, e := range d.world.Events() {
		if seen[e.ID] {
			d.t.Errorf("%s is published twice", e.ID)
		}
		seen[e.ID] = true
	}
	return len(seen)
}

func TestRunsOverTheChangesOfTheClock(t *testing.T) {
	for _, c := range []struct{ schedule, from, asked string }{
		{"daily at 02:30 in America/Los_Angeles", "2026-03-07T09:00:00Z", "07 10:30 +0s, 08 10:00 +0s, 09 09:30 +0s"},
		{"daily at 01:30 in America/Los_Angeles", "2026-10-31T07:00:00Z", "31 08:30 +0s, 01 08:30 +0s, 02 09:30 +0s"},
		{"", "2026-03-07T08:00:00Z", "07 14:00 +0s, 08 13:00 +0s, 09 13:00 +0s"},
		{"", "2026-10-31T08:00:00Z", "31 13:00 +0s, 01 14:00 +0s, 02 14:00 +0s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, c.from, c.schedule, reporttest.Snapshot)
			d.run(60 * time.Hour)
			if got := d.asked(); got != c.asked {
				t.Errorf("%q ran at %s, want %s", c.schedule, got, c.asked)
			}
			d.once()
		})
	}
}

// A clock that is set forward over the time of a run makes it late, and one that is set back makes no second one.
func TestClockIsSetAtTheTimeOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:00:00Z", "daily at 06:00", reporttest.Snapshot)
		d.run(50 * time.Minute)
		d.set("2026-06-01T06:20:00Z")
		d.run(10 * time.Minute)
		d.set("2026-06-01T05:50:00Z")
		d.run(30 * time.Minute)
		d.set("2026-06-02T05:59:30Z")
		d.run(10 * time.Minute)
		if got, want := d.asked(), "01 06:00 +20m0s, 02 06:00 +0s"; got != want {
			t.Errorf("ran at %s, want %s", got, want)
		}
		d.once()
	})
}

// A clock that was years ahead once does not end a report, whether the process is another one by then or not. What has
// happened meanwhile is told, and nothing twice.
func TestClockWasWrong(t *testing.T) {
	for _, restarted := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, "2026-06-01T05:00:00Z", "daily at 06:00", reporttest.Happened)
			d.reader.Objects, d.reader.Windows = 1, 60
			d.run(2 * time.Hour)
			d.set("2036-06-01T05:00:00Z")
			d.reader.known = func() time.Time { return instant("2026-06-01T07:10:00Z") } // to Customer.io
			d.run(2 * time.Hour)
			d.set("2026-06-01T07:20:00Z")
			d.reader.known = nil
			if restarted {
				d.restart("daily at 06:00")
			}
			d.run(time.Minute)
			first := d.first()
			if s := d.hand(report.Window{}); s.At.After(d.now()) {
				t.Errorf("a run by hand is of %s, at %s", s.At, d.now())
			}
			d.run(24 * time.Hour)
			want := "01 06:00 +0s, 31 06:00 +23h0m0s, 01 06:00 +0s, 01 07:21 +0s, 02 06:00 +0s"
			if got := d.asked(); got != want {
				t.Errorf("ran at %s, want %s", got, want)
			}
			minutes := map[time.Time]bool{}
			for _, e := range d.world.Events() {
				if e.Workspace == "" {
					minutes[e.Data.(report.Content).Window.Start] = true
				}
			}
			end := instant("2026-06-02T06:00:00Z")
			for at := instant("2026-06-01T05:00:00Z"); at.Before(end); at = at.Add(time.Minute) {
				if !minutes[at] {
					t.Fatalf("%s is not told, of %d then and %d now", at, first, d.first())
				}
			}
			d.once()
		})
	}
}

// While the state cannot be used it is asked for less and less, which is told once, and then reports go on.
func TestStateIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:00:00Z", "daily at 06:00", reporttest.Snapshot)
		state := &shut{Store: d.runner.Store, until: time.Now().Add(90 * time.Minute)}
		d.runner.Store = state
		d.run(80 * time.Minute)
		if s := d.runner.Status()[0]; !strings.Contains(s.Trouble, "the bus is away") || state.calls > 25 {
			t.Errorf("asked %d times, and the status is %+v", state.calls, s)
		}
		state.lead = true
		d.run(30 * time.Minute)
		if s := d.runner.Status()[0]; s.Trouble != "" || !s.At.IsZero() {
			t.Errorf("the status is %+v", s)
		}
		d.run(24 * time.Hour)
		if got, want := d.asked(), "02 06:00 +0s"; got != want {
			t.Errorf("ran at %s, want %s", got, want)
		}
		failing := d.logs.FilterMessage("reports cannot be run: their state cannot be used").Len()
		working := d.logs.FilterMessage("reports can be run again").Len()
		if failing != 1 || working != 1 || state.calls > 100 || d.runner.Status()[0].Trouble != "" {
			t.Errorf("failures are told %d times, success %d times, asked %d times", failing, working, state.calls)
		}
	})
}

// A shut store cannot be used for a while: nobody can lead, or nothing can be read.
type shut struct {
	report.Store
	until time.Time
	lead  bool
	calls int
}

func (s *shut) Lead(ctx context.Context, standby func()) (context.Context, func(), error) {
	s.calls++
	if s.lead && time.Now().Before(s.until) {
		return nil, nil, errClosed
	}
	return s.Store.Lead(ctx, standby)
}

func (s *shut) Load(ctx context.Context, prefix string, each func(key string, value []byte) error) error {
	if time.Now().Before(s.until) {
		return errClosed
	}
	return s.Store.Load(ctx, prefix, each)
}

// Of the times that passed while nobody was there, the last one is caught up, once.
func TestMissedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:00:00Z", "daily at 06:00", reporttest.Happened)
		d.reader.Windows, d.reader.Objects = 60, 1
		d.run(30 * time.Minute) // it is seen, and does not run
		d.set("2026-06-03T08:00:00Z")
		for range 3 {
			d.restart("daily at 06:00")
			d.run(time.Hour)
		}
		d.set("2026-06-06T05:59:00Z")
		d.restart("daily at 06:00")
		d.run(2 * time.Hour)
		if got, want := d.asked(), "03 06:00 +2h0m0s, 05 06:00 +23h59m0s, 06 06:00 +0s"; got != want {
			t.Errorf("ran at %s, want %s", got, want)
		}
		for i, want := range []string{"", "2026-06-03T06:00:00Z", "2026-06-05T06:00:00Z"} {
			if got := d.reader.asked[2*i].Last; want == "" && !got.IsZero() || want != "" && !got.Equal(instant(want)) {
				t.Errorf("reading %d goes on from %s, want %s", i, got, want)
			}
		}
		d.once()
	})
}

// A report that fails is tried again with growing pauses while others run; one that cannot succeed waits for its next
// time, and what it has told is not told again.
func TestReportFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Happened)
		d.reader.Windows = 60
		gone := errors.New("the App API is away")
		d.reader.fail = func(n int) error {
			if q := d.reader.asked[n-1]; q.Workspace == "" && n < 9 {
				return fmt.Errorf("read: %w", gone)
			}
			return nil
		}
		d.run(2 * time.Minute)
		s := d.runner.Status()
		if s[0].Trouble != "read: the App API is away" || s[0].Since.IsZero() || !s[0].Ended.IsZero() ||
			!s[0].Next.Equal(s[0].At) {
			t.Errorf("the status is %+v", s[0])
		}
		if s[1].Trouble != "" || s[1].Counts.Published != 240 || !s[1].Next.Equal(instant("2026-06-02T06:00:00Z")) {
			t.Errorf("the status is %+v", s[1])
		}
		d.run(time.Hour)
		if s := d.runner.Status(); s[0].Trouble != "" || s[0].Counts.Published != 240 || s[0].Ended.IsZero() {
			t.Errorf("the status is %+v", s[0])
		}
		if n := len(d.logs.FilterMessage("a report has failed, and is tried again").All()); n != 1 {
			t.Errorf("failures are told %d times", n)
		}
		if n := len(d.logs.FilterMessage("a report works again").All()); n != 1 {
			t.Errorf("success is told %d times", n)
		}
		if want := 60 * 4 * 2; d.once() != want {
			t.Errorf("%d are published, want %d", d.once(), want)
		}
	})
}

func TestReportCannotSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Happened)
		d.reader.Windows, d.reader.Objects = 25*60, 1
		d.reader.after = func(n int) error {
			if n == 1 {
				return fmt.Errorf("read: %w", retry.Permanent(errors.New("there is no campaign 7")))
			}
			return nil
		}
		d.run(2 * time.Hour)
		if want := 25 * 60 * 2; d.once() != want {
			t.Errorf("%d are published, want %d, those that were told before the failure among them", d.once(), want)
		}
		s := d.runner.Status()
		if !strings.Contains(s[0].Trouble, "there is no campaign 7") || s[0].Ended.IsZero() ||
			!s[0].Next.Equal(instant("2026-06-02T06:00:00Z")) {
			t.Errorf("the status is %+v", s[0])
		}
		d.run(24 * time.Hour)
		if s := d.runner.Status(); s[0].Trouble != "" {
			t.Errorf("the status is %+v", s[0])
		}
		if got, want := d.asked(), "01 06:00 +0s, 02 06:00 +0s"; got != want {
			t.Errorf("ran at %s, want %s", got, want)
		}
		if want := (25 + 24) * 60; d.first() != want {
			t.Errorf("%d are published from the first workspace, want %d", d.first(), want)
		}
		d.once()
	})
}

// A report that fails, and then is found to be one that cannot succeed, does not work again.
func TestReportFailsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Happened)
		err := errors.New("for a while")
		d.reader.after = func(int) error {
			defer func() { err = retry.Permanent(errors.New("for good")) }()
			return err
		}
		d.run(2 * time.Hour)
		if n := d.logs.FilterMessageSnippet("works again").Len(); n > 0 || !strings.Contains(
			d.runner.Status()[0].Trouble, "for good") {
			t.Errorf("it is said to work %d times, with the status %+v", n, d.runner.Status()[0])
		}
	})
}

// first counts the rows of the first workspace that were published.
func (d *desk) first() (n int) {
	for _, e := range d.world.Events() {
		if e.Workspace == "" && e.Revision == 1 {
			n++
		}
	}
	return n
}

// Windows that are no longer told are forgotten, beside the latest. If they come back they have a further revision, and
// no id is used twice.
func TestWindowsThatAreNoLongerTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:30Z", "* * * * *", reporttest.Numbers)
		d.reader.Objects = 1
		d.run(150 * time.Minute)
		object := d.object("object/0")
		if n := len(object.Windows); n != 3+60 || object.Forgotten == 0 || object.Last != 1 {
			t.Errorf("%d windows are known, %+v", n, object)
		}
		before := d.once()
		d.reader.Windows = 100
		d.run(time.Minute)
		if got, want := d.once()-before, 2*(1+100-64); got != want {
			t.Errorf("%d are published, want %d", got, want)
		}
		events := d.world.Events()
		for _, e := range events[before:] {
			if e.Revision > 2 {
				t.Errorf("revision %d of %s", e.Revision, e.Subject)
			}
		}
		d.reader.Windows = 3
		d.run(3 * time.Minute)
		if n := len(d.object("object/0").Windows); n != 3+60 {
			t.Errorf("%d windows are known", n)
		}
		d.once()
	})
}

// known is what the store has of an object.
type known struct {
	Windows   [][4]any `json:"windows"`
	Forgotten int64    `json:"forgotten"`
	Last      int      `json:"last"`
}

func (d *desk) object(name string) (k known) {
	d.t.Helper()
	p := d.world.Process(reporttest.Fault{}, func() {})
	err := p.Load(d.t.Context(), "rows/numbers//"+name, func(_ string, value []byte) error {
		return json.Unmarshal(value, &k)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return k
}

// Where the target is another one, what stands in the old one is not looked for, and a run that was cut short is
// finished in the new one.
func TestTargetIsAnotherOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:30Z", "daily at 06:00", reporttest.Snapshot)
		ctx, cancel := context.WithCancel(t.Context())
		d.reader.after = func(int) error {
			cancel()
			return ctx.Err()
		}
		d.runner.Run(ctx)
		d.reader.after = nil
		other := reporttest.NewWorld()
		p := d.world.Process(reporttest.Fault{}, func() {})
		d.reader.Process = p
		runner, err := report.New(report.Options{
			Reports: []report.Report{{
				Config: report.Config{Name: "numbers", Type: "campaigns", Schedule: "daily at 06:00"},
				Reader: d.reader, Target: elsewhere{other.Process(reporttest.Fault{}, func() {}).Target()},
			}},
			Store: p, DeadLetter: p.Letter, Log: canarytest.Logger(t),
		})
		if err != nil {
			t.Fatal(err)
		}
		runner.SetClock(d.now)
		d.runner = runner
		d.run(time.Minute)
		if n := len(other.Events()); n != 4 {
			t.Errorf("%d are published, of 4", n)
		}
		if got, want := d.asked(), "01 06:00 +0s, 01 06:00 +0s"; got != want {
			t.Errorf("ran at %s, want %s", got, want)
		}
	})
}

type elsewhere struct{ report.Target }

func (elsewhere) Place() string { return "topic elsewhere" }

func (elsewhere) Published(context.Context, string, func(id, hash string)) error {
	return errors.New("this position is not one of mine")
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Numbers)
		d.run(25 * time.Hour)
		err := testutil.GatherAndCompare(d.reg, strings.NewReader(`
# HELP ciobridge_report_runs_total Attempts to run a report, by result: done, refused (it cannot succeed before it is changed) or failed (it is tried again).
# TYPE ciobridge_report_runs_total counter
ciobridge_report_runs_total{report="numbers",result="done",workspace=""} 2
ciobridge_report_runs_total{report="numbers",result="failed",workspace=""} 0
ciobridge_report_runs_total{report="numbers",result="refused",workspace=""} 0
ciobridge_report_runs_total{report="numbers",result="done",workspace="eu"} 2
ciobridge_report_runs_total{report="numbers",result="failed",workspace="eu"} 0
ciobridge_report_runs_total{report="numbers",result="refused",workspace="eu"} 0
# HELP ciobridge_report_rows_total Rows of reports, by result: published, unchanged, malformed or too_large. Those of an attempt that failed are counted again by the next.
# TYPE ciobridge_report_rows_total counter
ciobridge_report_rows_total{report="numbers",result="malformed",workspace=""} 2
ciobridge_report_rows_total{report="numbers",result="malformed",workspace="eu"} 2
ciobridge_report_rows_total{report="numbers",result="published",workspace=""} 24
ciobridge_report_rows_total{report="numbers",result="published",workspace="eu"} 24
ciobridge_report_rows_total{report="numbers",result="too_large",workspace=""} 0
ciobridge_report_rows_total{report="numbers",result="too_large",workspace="eu"} 0
ciobridge_report_rows_total{report="numbers",result="unchanged",workspace=""} 0
ciobridge_report_rows_total{report="numbers",result="unchanged",workspace="eu"} 0
`), "ciobridge_report_runs_total", "ciobridge_report_rows_total")
		if err != nil {
			t.Error(err)
		}
		d.restart("daily at 06:00")
		d.run(time.Minute)
		for _, name := range []string{
			"ciobridge_report_last_success_timestamp_seconds", "ciobridge_report_last_run_seconds",
		} {
			if n, err := testutil.GatherAndCount(d.reg, name); n != 2 || err != nil {
				t.Errorf("%s has %d series after a restart, %v", name, n, err)
			}
		}
		if names := d.workspaces(); !slices.Equal(names, []string{"", "eu"}) {
			t.Errorf("events have the workspaces %q", names)
		}
	})
}

func (d *desk) workspaces() (list []string) {
	for _, e := range d.world.Events() {
		list = append(list, e.Workspace)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// What failed here and was finished by another process is no trouble any more.
func TestAnotherProcessFinishesARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
		d.reader.fail = func(int) error { return errors.New("there is no way to Customer.io from here") }
		d.run(5 * time.Minute)
		here, logs := d.runner, d.logs
		if s := here.Status(); s[0].Trouble == "" || s[1].Trouble == "" {
			t.Errorf("the status is %+v", s)
		}
		d.reader.fail = nil
		d.restart("daily at 06:00") // elsewhere
		d.run(time.Minute)
		d.runner = here
		d.run(time.Hour)
		for _, s := range here.Status() {
			if s.Trouble != "" || !s.Since.IsZero() || s.Ended.IsZero() || s.Counts.Published != 4 {
				t.Errorf("the status is %+v", s)
			}
		}
		if n := logs.FilterMessage("a report works again").Len(); n != 2 {
			t.Errorf("success is told %d times", n)
		}
		d.once()
	})
}

// A clock that is set back in the moment in which a run begins makes no run of a time that is none.
func TestClockIsSetBackAsARunBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Happened)
		d.runner.Reports[0].Target = &turning{d.runner.Reports[0].Target, func() { d.set("2026-06-01T04:00:00Z") }}
		d.run(27 * time.Hour)
		if got, want := d.asked(), "01 06:00 +0s, 02 06:00 +0s"; got != want {
			t.Errorf("ran at %s, want %s", got, want)
		}
	})
}

// A turning target does something when a run begins, once.
type turning struct {
	report.Target
	do func()
}

func (t *turning) Position(ctx context.Context) (string, error) {
	t.do()
	t.do = func() {}
	return t.Target.Position(ctx)
}

// A target that becomes unfit, such as a topic that is compacted, gets no rows: some would be lost, or published twice.
func TestTargetBecomesUnfit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
		unfit := &becoming{Target: d.runner.Reports[0].Target, err: report.ErrUnfit}
		d.runner.Reports[0].Target = unfit
		d.run(time.Hour)
		if s := d.runner.Status()[0]; s.Trouble != report.ErrUnfit.Error() || d.once() != 0 {
			t.Errorf("%d are published, and the status is %+v", d.once(), s)
		}
		unfit.err = nil
		d.run(time.Hour)
		if s := d.runner.Status()[0]; s.Trouble != "" || d.once() != 8 {
			t.Errorf("%d are published, and the status is %+v", d.once(), s)
		}
	})
}

// A becoming target is unfit while it has an error.
type becoming struct {
	report.Target
	err error
}

func (b *becoming) Check(context.Context) error { return b.err }
