package report_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/reporttest"
	"github.com/ciobridge/ciobridge/report/read"
)

// A truth is an emulator in which messages are sent and people react while reports are read from it.
type truth struct {
	*emulator.Server
	world  *reporttest.World
	config customerio.Config
}

var toldOf = []report.Config{
	{Name: "numbers", Type: "campaigns", Schedule: every, Params: report.Params{
		Period: "days", Steps: new(3), Links: true,
	}},
	{Name: "deliveries", Type: "deliveries_export", Schedule: every, Params: report.Params{
		Of: map[string]string{"campaign": "7"}, Since: time.Hour,
	}},
}

func newTruth(t *testing.T, dir string) *truth {
	t.Helper()
	c := customerio.DefaultConfig()
	c.Region = customerio.US
	for path, text := range map[*string]string{&c.SiteIDFile: "site", &c.APIKeyFile: "key", &c.AppKeyFile: "app"} {
		*path = filepath.Join(dir, text)
		if err := os.WriteFile(*path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := emulator.New(emulator.Options{AppKey: "app"})
	if err := e.ReactWithin(2 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := e.SetExports(emulator.Exports{Takes: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	return &truth{e, reporttest.NewWorld(), c}
}

// send has messages sent for a while.
func (r *truth) send(t *testing.T, lasting time.Duration) {
	for n := 0; lasting > 0; n++ {
		to := []string{fmt.Sprintf("email:%d@example.com", n), fmt.Sprintf("email:%d@example.com", n+1)}
		if _, err := r.Send(emulator.Sending{Source: "campaign:7", To: to}); err != nil {
			t.Error(err)
		}
		time.Sleep(50 * time.Second)
		lasting -= 50 * time.Second
	}
}

func (r *truth) reports(t *testing.T, to report.Target) (list []report.Report) {
	t.Helper()
	client, err := customerio.NewClient(r.config, 2, r.Transport())
	if err != nil {
		t.Fatal(err)
	}
	workspaces := []delivery.Workspace{{Client: client, Config: r.config}}
	sender := delivery.New(workspaces, canarytest.Logger(t), canarytest.Registry(t))
	for _, c := range toldOf {
		reader, err := read.New(c, sender)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, report.Report{Config: c, Reader: reader, Target: to})
	}
	return list
}

// live lets a process run the reports until the time is over, or it dies.
func (r *truth) live(t *testing.T, f reporttest.Fault, until time.Time) int {
	ctx, cancel := context.WithDeadline(t.Context(), until)
	defer cancel()
	p := r.world.Process(f, cancel)
	runner, err := report.New(report.Options{
		Reports: r.reports(t, p.Target()), Store: p, DeadLetter: p.Letter, Log: canarytest.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	runner.Divide(5, 1000)
	runner.Run(ctx)
	return p.Calls()
}

// Whichever call fails, or is the last of a process: consumers see each revision of a window once, the last one of each
// is what Customer.io tells in the end, and each delivery is told once.
func TestConsumersSeeTheTruth(t *testing.T) {
	dir, calls := t.TempDir(), 0
	synctest.Test(t, func(t *testing.T) { calls = tellTruth(t, dir, reporttest.Fault{}) })
	stride, n := longtest.Either(97, 1), 0
	for _, effect := range []reporttest.Effect{reporttest.Fail, reporttest.Kill, reporttest.Depose} {
		for _, timing := range []reporttest.Timing{reporttest.Never, reporttest.Before, reporttest.Late} {
			for at := 1 + (n*5)%stride; at <= calls; at += stride {
				f := reporttest.Fault{At: at, Timing: timing, Effect: effect}
				t.Run(fmt.Sprint(f), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { tellTruth(t, dir, f) })
				})
			}
			n++
		}
	}
}

// tellTruth lets processes run the reports, of which the first has the fault.
func tellTruth(t *testing.T, dir string, f reporttest.Fault) (calls int) {
	r, begun := newTruth(t, dir), time.Now()
	var all sync.WaitGroup
	all.Go(func() { r.send(t, 17*time.Minute) })
	if f.Effect == reporttest.Depose {
		all.Go(func() { r.live(t, reporttest.Fault{}, begun.Add(lasting)) })
	}
	calls = r.live(t, f, begun.Add(lasting))
	if f.Effect == reporttest.Kill && calls != f.At {
		t.Errorf("%d calls, and it should have died at %d", calls, f.At)
	}
	r.live(t, reporttest.Fault{}, begun.Add(lasting))
	all.Wait()
	last, ids := map[reporttest.Key]report.Content{}, map[string]bool{}
	changed, deliveries := 0, map[string]int{}
	for _, e := range r.world.Events() {
		told, _ := e.Data.(report.Content)
		key := reporttest.Key{Object: told.Object, Window: told.Window}
		if ids[e.ID] || told.Revision != last[key].Revision+1 || string(told.Row) == string(last[key].Row) {
			t.Errorf("%s: revision %d of %v comes after %d", e.ID, told.Revision, key, last[key].Revision)
		}
		if told.Report == "deliveries" && told.Revision == 1 {
			deliveries[told.Object]++
		}
		if told.Report == "numbers" && told.Revision > 1 {
			changed++
		}
		ids[e.ID], last[key] = true, told
	}
	counts, err := report.Preview(t.Context(), r.reports(t, nil)[0], nil, report.Hand{}, func(s report.Shown) error {
		is, _ := s.Event.Data.(report.Content)
		if told := last[reporttest.Key{Object: is.Object, Window: is.Window}]; string(told.Row) != string(is.Row) {
			t.Errorf("%s is told as %s, and is %s", is.Object, told.Row, is.Row)
		}
		return nil
	})
	if err != nil || counts.Rows == 0 || changed < 3 {
		t.Errorf("%v: %d rows of numbers, %d changed", err, counts.Rows, changed)
	}
	sent := r.Deliveries()
	for _, d := range sent {
		if deliveries["delivery/"+d.ID] != 1 {
			t.Errorf("%s is told %d times", d.ID, deliveries["delivery/"+d.ID])
		}
	}
	if len(deliveries) != len(sent) || len(sent) < 40 {
		t.Errorf("%d deliveries are told, of %d", len(deliveries), len(sent))
	}
	return calls
}
