package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Elsewhere than on a terminal there is a line every ten seconds, and none of a run that is shorter.
func TestProgressInLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := show(&out, "campaigns")
		time.Sleep(9 * time.Second)
		p.count("", report.Counts{Rows: 5, Published: 4, Unchanged: 1})
		time.Sleep(2 * time.Second)
		p.count("us", report.Counts{Rows: 2, Published: 1, Malformed: 1})
		time.Sleep(10 * time.Second)
		p.stop()
		want := "campaigns: 5 rows, 4 published, 1 unchanged, 10s\n" +
			"campaigns in us: 7 rows, 5 published, 1 unchanged, 20s, 1 dead letter\n"
		if out.String() != want {
			t.Errorf("told\n%s", out.String())
		}
	})
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isTerminal(file) {
		t.Error("a file is taken for a terminal")
	}
}

// On a terminal the line changes, and is taken away at the end.
func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, name: "people", terminal: true, begun: time.Now(), end: make(chan struct{})}
	p.count("", report.Counts{Rows: 1_000_000, Published: 1_000_000})
	p.tell()
	p.count("", report.Counts{})
	p.tell()
	p.stop()
	shown := strings.Split(out.String(), "\r")
	if len(shown) != 5 || !strings.HasPrefix(shown[1], "[#   ") || !strings.Contains(shown[1], "1000000 rows") ||
		len(shown[2]) != len(shown[1]) || strings.TrimSpace(shown[3]) != "" ||
		len(shown[3]) != len(strings.TrimRight(shown[2], " ")) {
		t.Errorf("shown %q", shown)
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
