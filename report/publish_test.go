package report_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/reporttest"
)

// A row that the target does not take is a dead letter, alone or among others, once for each content; what stood beside
// it is published once.
func TestRowsThatAreTooLarge(t *testing.T) {
	for name, size := range map[string]int{"a little too large": 3000, "a group of its own": 300 << 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, "2026-06-01T05:59:00Z", "*/10 * * * *", reporttest.Numbers)
				d.world.Largest = 2000
				long := true
				d.reader.Data = func(object, read int) string {
					if object == 2 && long {
						return `{"text":"` + strings.Repeat("x", size) + `"}`
					}
					return fmt.Sprintf(`{"object":%d}`, object)
				}
				d.run(12 * time.Minute)
				if n := d.once(); n != (3+3)*2*3 { // windows of two runs, workspaces, objects
					t.Errorf("%d are published", n)
				}
				s := d.runner.Status()
				if s[0].Counts.TooLarge != 3 || s[0].Counts.Published != 9 || s[0].Trouble != "" {
					t.Errorf("the status is %+v", s[0])
				}
				letters := 0
				for _, l := range d.world.Letters {
					if l.Reason == event.ReasonTooLarge {
						letters++
						if l.Object != "object/2" || len(l.Text) != size+11 || !strings.Contains(l.Detail, "memory") {
							t.Errorf("the letter is %.200v", l)
						}
					}
				}
				if letters != 12 {
					t.Errorf("%d letters", letters)
				}
				if took := s[0].Ended.Sub(s[0].Begun); (size >= 300<<10) != (took == 0) {
					t.Errorf("the run took %s", took) // it has to look what was stored, where others stood beside it
				}
				long = false
				d.hand(within("2026-06-01T06:00:00Z", "2026-06-01T06:10:00Z"))
				for _, e := range d.world.Events() {
					if e.Subject == "object/2" && e.Revision != 1 {
						t.Errorf("a row that was never published has revision %d", e.Revision)
					}
				}
				d.once()
			})
		})
	}
}

// A door is a target that can be closed.
type door struct {
	report.Target
	closed atomic.Bool
	calls  atomic.Int32
	lose   bool // it stores what it says that it has not
}

var errClosed = errors.New("the bus is away")

func (d *door) Publish(ctx context.Context, events []cloudevent.Event) error {
	d.calls.Add(1)
	if d.closed.Load() {
		if d.lose {
			d.lose = false
			_ = d.Target.Publish(ctx, events[:len(events)/2])
		}
		return errClosed
	}
	return d.Target.Publish(ctx, events)
}

func (d *door) Published(ctx context.Context, since string, each func(id, hash string)) error {
	if d.closed.Load() {
		return errClosed
	}
	return d.Target.Published(ctx, since, each)
}

// While the bus is away in the middle of a run, the run waits, and goes on where it stood. After a longer time it
// begins anew; no row is published twice either way.
func TestBusIsAwayWhileRowsStream(t *testing.T) {
	for _, away := range []time.Duration{3 * time.Minute, 40 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, "2026-06-01T05:59:00Z", "daily at 06:00", reporttest.Snapshot)
			p := d.world.Process(reporttest.Fault{}, func() {})
			d.reader.Process, d.reader.Objects = p, 5000
			bus := &door{Target: p.Target(), lose: true}
			d.reader.Data = func(object, read int) string {
				if object == 2600 && d.world.Events() != nil && !bus.closed.Load() && len(d.reader.asked) == 1 {
					bus.closed.Store(true)
					time.AfterFunc(away, func() { bus.closed.Store(false) })
				}
				return fmt.Sprintf(`{"object":%d}`, object)
			}
			runner, err := report.New(report.Options{
				Reports: []report.Report{{
					Config: report.Config{Name: "numbers", Type: "customers", Schedule: "daily at 06:00"},
					Reader: d.reader, Target: bus,
				}},
				Store: p, DeadLetter: p.Letter, Log: canarytest.Logger(t),
			})
			if err != nil {
				t.Fatal(err)
			}
			runner.SetClock(d.now)
			d.runner = runner
			d.run(2 * time.Minute)
			if s := runner.Status()[0]; d.once() >= 5000 || !s.Ended.IsZero() || s.Trouble != errClosed.Error() {
				t.Errorf("%d are published, and the status is %+v", d.once(), s)
			}
			d.run(2 * time.Hour)
			if n := d.once(); n != 5000 || runner.Status()[0].Trouble != "" {
				t.Errorf("%d are published, and the status is %+v", n, runner.Status()[0])
			}
			if n := bus.calls.Load(); n > 40 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// A mill makes rows, and takes them as a target that keeps nothing but their ids, in a file.
type mill struct {
	rows int
	file *os.File
	ids  int // in the file
	most uint64
	stop int // the call of Publish that fails; 0 means none
	n    int
}

func (m *mill) Restated() bool { return false }

func (m *mill) Read(_ context.Context, q report.Request, each func(report.Row) error) error {
	for i := range m.rows {
		err := each(report.Row{
			Object: fmt.Sprintf("delivery/%d", i), Window: report.Window{Start: q.At, End: q.At},
			Data: fmt.Appendf(nil, `{"id":"%d","to":"somebody@example.com","subject":"What is new in the shop"}`, i),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *mill) Position(context.Context) (string, error) { return "", nil }

func (m *mill) Publish(_ context.Context, events []cloudevent.Event) error {
	m.n++
	if m.n == m.stop {
		return errClosed
	}
	if m.stop > 0 {
		var lines []byte
		for i := range events {
			lines = fmt.Appendln(lines, events[i].ID, events[i].ContentHash)
			m.ids++
		}
		if _, err := m.file.Write(lines); err != nil {
			return err
		}
	}
	if m.n%100 == 0 {
		m.look()
	}
	return nil
}

func (m *mill) look() {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.most = max(m.most, s.HeapInuse)
}

func (m *mill) Published(_ context.Context, _ string, each func(id, hash string)) error {
	if _, err := m.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewScanner(m.file)
	for lines.Scan() {
		id, hash, _ := strings.Cut(lines.Text(), " ")
		each(id, hash)
	}
	m.look()
	return lines.Err()
}

func (m *mill) Check(context.Context) error { return nil }
func (m *mill) Place() string               { return "nowhere" }
func (m *mill) Close()                      {}

// However many rows there are, a run takes little memory, also one that goes on after it was cut short.
func TestMemoryOfAMillionRows(t *testing.T) {
	rows := longtest.Either(20_000, 1_000_000)
	for name, stop := range map[string]int{"at once": 0, "cut short near its end": rows/500 - 5} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runMill(t, rows, stop) })
		})
	}
}

func runMill(t *testing.T, rows, stop int) {
	file, err := os.Create(filepath.Join(t.TempDir(), "ids"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m := &mill{rows: rows, stop: stop, file: file}
	p := reporttest.NewWorld().Process(reporttest.Fault{}, func() {})
	r, err := report.New(report.Options{
		Reports: []report.Report{{Config: report.Config{Name: "mill"}, Reader: m, Target: m}},
		Store:   p, DeadLetter: p.Letter, Log: canarytest.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	m.look()
	before := m.most
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	list, err := r.Once(ctx, "mill", report.Hand{Progress: func(_ string, c report.Counts) {
		if stop > 0 && c.Published >= (stop-1)*500 {
			cancel() // the process dies
		}
	}})
	if stop > 0 {
		if err == nil || m.ids == 0 || m.ids >= rows {
			t.Fatalf("the run was not cut short: %v", err)
		}
		m.most, m.stop = before, 1<<30
		cut := m.ids
		if list, err = r.Once(t.Context(), "mill", report.Hand{Workspaces: []string{""}}); m.ids != 2*rows {
			t.Errorf("%d are published, %d of them before the death; want %d for each of two runs", m.ids, cut, rows)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	m.look()
	grown := (m.most - before) >> 20
	t.Logf("%d rows: %d MiB, %+v", rows, grown, list[0].Counts)
	if grown > 64 {
		t.Errorf("%d MiB", grown)
	}
}
