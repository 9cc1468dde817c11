package report_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/reporttest"
)

const (
	every    = "*/5 * * * *"
	lasting  = 24 * time.Minute // four times of the schedule, the last one long ago
	interval = 5 * time.Minute
)

// runner is that of a process which reads one kind of rows.
func runner(t *testing.T, p *reporttest.Process, kind reporttest.Kind) *report.Runner {
	t.Helper()
	r, err := report.New(report.Options{
		Reports: []report.Report{{
			Config: report.Config{Name: "numbers", Type: "campaigns", Schedule: every},
			Reader: &reporttest.Reader{Process: p, Kind: kind, Objects: 4, Windows: 3},
			Target: p.Target(),
		}},
		Store: p, DeadLetter: p.Letter, Log: canarytest.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Divide(5, 4)
	return r
}

// live lets a process run reports until the time is over, or it dies. It returns how many calls it made.
func live(t *testing.T, w *reporttest.World, f reporttest.Fault, kind reporttest.Kind, until time.Time) int {
	ctx, cancel := context.WithDeadline(t.Context(), until)
	defer cancel()
	p := w.Process(f, cancel)
	runner(t, p, kind).Run(ctx)
	return p.Calls()
}

var kinds = map[string]reporttest.Kind{
	"numbers": reporttest.Numbers, "snapshot": reporttest.Snapshot, "happened": reporttest.Happened,
}

// Whichever call is the last of a process, or fails, or ends its right to run reports, and whenever it takes effect:
// each revision of a row is published once, and the last one is what was told last.
func TestFaultAtEachStep(t *testing.T) {
	stride := longtest.Either(13, 1)
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			calls := 0
			synctest.Test(t, func(t *testing.T) {
				w, begun := reporttest.NewWorld(), time.Now()
				calls = live(t, w, reporttest.Fault{}, kind, begun.Add(lasting))
				check(t, w, kind, begun)
			})
			if calls < 50 {
				t.Fatalf("%d calls only", calls)
			}
			n := 0
			for _, effect := range []reporttest.Effect{reporttest.Fail, reporttest.Kill, reporttest.Depose} {
				for _, timing := range []reporttest.Timing{reporttest.Never, reporttest.Before, reporttest.Late} {
					for at := 1 + n%stride; at <= calls; at += stride {
						f := reporttest.Fault{At: at, Timing: timing, Effect: effect}
						if !t.Run(fmt.Sprint(f), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) { oneFault(t, f, kind) })
						}) {
							return
						}
					}
					n++
				}
			}
		})
	}
}

// oneFault lets two processes run beside each other, of which the first has the fault. After its death there is
// another one.
func oneFault(t *testing.T, f reporttest.Fault, kind reporttest.Kind) {
	w, begun := reporttest.NewWorld(), time.Now()
	var all sync.WaitGroup
	if f.Effect == reporttest.Depose {
		all.Go(func() { live(t, w, reporttest.Fault{}, kind, begun.Add(lasting)) })
	}
	if made := live(t, w, f, kind, begun.Add(lasting)); f.Effect != reporttest.Depose && made < f.At {
		t.Errorf("%d calls only: there was no fault", made)
	}
	live(t, w, reporttest.Fault{At: f.At / 2, Timing: f.Timing}, kind, begun.Add(lasting))
	all.Wait()
	check(t, w, kind, begun)
}

// check compares what consumers have seen with what was told.
func check(t *testing.T, w *reporttest.World, kind reporttest.Kind, begun time.Time) {
	t.Helper()
	ids := map[string]bool{}
	last, revision := map[reporttest.Key]string{}, map[reporttest.Key]int{}
	for _, e := range w.Events() {
		told, ok := e.Data.(report.Content)
		key := reporttest.Key{Object: told.Object, Window: told.Window}
		switch {
		case !ok || e.Type != "io.customer.report.campaigns" || e.Subject != told.Object || e.Revision != told.Revision:
			t.Fatalf("the event is %+v", e)
		case ids[e.ID]:
			t.Fatalf("%s is published twice, of %v", e.ID, key)
		case told.Revision != revision[key]+1:
			t.Fatalf("revision %d of %v comes after %d", told.Revision, key, revision[key])
		case string(told.Row) == last[key]:
			t.Fatalf("%v is published again with the same content", key)
		}
		ids[e.ID], last[key], revision[key] = true, string(told.Row), told.Revision
	}
	if len(last) != len(w.Told) {
		t.Errorf("%d rows are published, and %d were told", len(last), len(w.Told))
	}
	for key, content := range w.Told {
		if last[key] != content {
			t.Errorf("the last of %v that is published is %s, and what was told %s", key, last[key], content)
		}
		if strings.HasSuffix(key.Object, "/0") && revision[key] != 1 {
			t.Errorf("%v never changes, and has revision %d", key, revision[key])
		}
	}
	// What has happened is told of every minute, since that of the first run.
	from, pace := begun.UTC().Truncate(interval).Add(interval), interval
	if kind == reporttest.Happened {
		from, pace = from.Add(-3*reporttest.Step), reporttest.Step
	}
	for at := from; at.Before(begun.Add(4 * interval)); at = at.Add(pace) {
		key := reporttest.Key{Object: "object/0", Window: report.Window{Start: at, End: at}}
		if kind == reporttest.Numbers {
			key.Window.Start = at.Add(-reporttest.Step)
		}
		if last[key] == "" {
			t.Errorf("%v was never told", key)
		}
	}
	if want := 4; len(w.Letters) != want {
		t.Errorf("%d letters, want one of each run, which are %d", len(w.Letters), want)
	}
}
