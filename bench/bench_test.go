package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// TestMain lets the test binary play the roles that the bench starts as processes of their own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestRowsOfEachKind measures a little of each kind of row with the real bridge. What counts is that every run passes
// its check and that each row comes out; the figures say nothing. All run at once, because most of their time is
// waiting.
func TestRowsOfEachKind(t *testing.T) {
	longTest(t)
	binary := filepath.Join(t.TempDir(), "ciobridge")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary,
		"github.com/ciobridge/ciobridge/cmd/ciobridge").CombinedOutput(); err != nil {
		t.Fatalf("build the bridge: %v\n%s", err, out)
	}
	var running sync.WaitGroup
	for rows, want := range map[string]int{
		"kafka-300,size": 4, "jetstream-1k": 3, "latency": 2, "start": 1, "memory": 3, "stream": 1, "fill": 3,
		"delay": 1, "replicas": 4, "webhooks": 2, "export": 3,
	} {
		dir := t.TempDir()
		running.Go(func() {
			var progress bytes.Buffer
			rep, err := measureLittle(t.Context(), rows, binary, dir, &progress)
			if err != nil {
				t.Errorf("%s: %v\n%s", rows, err, &progress)
				return
			}
			if len(rep.Rows) != want {
				t.Errorf("%s: want %d rows, got %+v", rows, want, rep.Rows)
			}
			for _, r := range rep.Rows {
				if r.Measured < 0 || r.Measured == 0 && r.Group != "replicas" || r.What == "" || r.Figures == "" {
					t.Errorf("implausible row %+v", r)
				}
			}
			var table bytes.Buffer
			if err := rep.writeTable(&table); err != nil || table.Len() == 0 {
				t.Errorf("%s: %v, in\n%s", rows, err, &table)
			}
		})
	}
	running.Wait()
}

// TestAgainstMeasuresBothBuildsInTurns compares the bridge with itself, given as a program.
func TestAgainstMeasuresBothBuildsInTurns(t *testing.T) {
	longTest(t)
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "ciobridge")
	this, err := buildBridge(t.Context(), ".", binary)
	if err != nil {
		t.Fatal(err)
	}
	other, err := otherBridge(t.Context(), binary, "")
	if err != nil {
		t.Fatal(err)
	}
	var progress bytes.Buffer
	p, err := parsePlan([]string{
		"-rows", "kafka-300,start", "-events", "4000", "-persons", "2000", "-runs", "2",
	}, &progress)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{plan: p, bridge: this, against: &other, report: newReport(&p), progress: &progress, dir: t.TempDir()}
	if err := b.measure(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	var compared []string
	for _, c := range b.report.Comparisons {
		if c.This.CPUPerMillion <= 0 || c.Other.CPUPerMillion <= 0 ||
			c.Other.Program != c.This.Program+", other build" {
			t.Errorf("implausible comparison %+v", c)
		}
		compared = append(compared, c.This.Group)
	}
	if want := []string{"kafka-300", "start"}; !slices.Equal(compared, want) {
		t.Errorf("both builds were compared in %q, want %q", compared, want)
	}
	turns := strings.Count(progress.String(), "kafka-300: bridge, other build, run")
	if turns != 2 {
		t.Errorf("the other build had %d turns beside the ceiling, want 2:\n%s", turns, &progress)
	}
	var table bytes.Buffer
	if err := b.report.writeTable(&table); err != nil || !strings.Contains(table.String(), "This build and the other") {
		t.Errorf("%v, in\n%s", err, &table)
	}
}

func TestAgainstNeedsAProgramOrACheckout(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "absent"), t.TempDir()} {
		if _, err := otherBridge(t.Context(), path, filepath.Join(t.TempDir(), "ciobridge")); err == nil ||
			!strings.Contains(err.Error(), "-against") {
			t.Errorf("%s gave %v", path, err)
		}
	}
}

func measureLittle(ctx context.Context, rows, binary, dir string, progress io.Writer) (*report, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // a report is run at a full minute
	defer cancel()
	p, err := parsePlan([]string{"-rows", rows, "-events", "8000", "-persons", "20000", "-runs", "1", "-backlog",
		"8000"}, progress)
	if err != nil {
		return nil, err
	}
	p.hang, p.pacing, p.settling, p.window = time.Second, unsteady+time.Second, time.Second/2, time.Second/2
	b := &bench{plan: p, bridge: bridgeProgram{binary: binary, label: programBridge}, report: newReport(&p),
		progress: progress, dir: dir}
	return b.report, b.measure(ctx)
}

// TestRunsThatLoseEventsDoNotCount holds the check itself to account.
func TestRunsThatLoseEventsDoNotCount(t *testing.T) {
	t.Parallel()
	p := plan{timeout: 30 * time.Second}
	b := &bench{plan: p, report: newReport(&p), progress: &bytes.Buffer{}, dir: t.TempDir()}
	l := traffic.Load{Events: 1000, Persons: 100, Size: 300, Partitions: 2}
	src, err := b.openFilled(t.Context(), l, false)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	l.Events = 900 // more than is expected
	_, _, err = b.run(t.Context(), trial{programs: []program{ceilingProgram{}}, source: src, load: l})
	if err == nil || !strings.Contains(err.Error(), "does not count") {
		t.Errorf("a run in which other events arrived than were expected gave %v", err)
	}
}

func TestPlanRefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{
		{"-rows", "kafka-1k,other"}, {"-events", "0"}, {"-runs", "0"}, {"-backlog", "0"}, {"-pacing", "1s"},
		{"-o", "xml"}, {"word"},
	} {
		if _, err := parsePlan(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestMedians(t *testing.T) {
	runs := []result{{CPUPerMillion: 9, Requests: 1}, {CPUPerMillion: 2, Requests: 8}, {CPUPerMillion: 4, Requests: 3}}
	if m := medians(runs); m.CPUPerMillion != 4 || m.Requests != 3 {
		t.Errorf("medians of three are %v and %v, want 4 and 3", m.CPUPerMillion, m.Requests)
	}
	if m := medians(runs[:2]); m.CPUPerMillion != 5.5 {
		t.Errorf("the median of two is %v, want their mean 5.5", m.CPUPerMillion)
	}
}

func TestBestFill(t *testing.T) {
	for rate, want := range map[int]float64{1: 1, 50: 11, 500: 103, 5000: sink.MaxItems} {
		if got := bestFill(rate, 205*time.Millisecond); got != want {
			t.Errorf("the best possible at %d events/s is %v, want %v", rate, got, want)
		}
	}
}

// longTest skips a test that builds the bridge and measures it, unless CIOBRIDGE_LONG_TESTS asks for such tests.
func longTest(t *testing.T) {
	t.Helper()
	longtest.Only(t)
}
