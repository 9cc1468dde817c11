package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Elsewhere than on a terminal there is a line every ten seconds, and none of what is shorter.
func TestProgressInLines(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if widthOf(file) != nil || widthOf(null) != nil {
		t.Error("a file is taken for a terminal")
	}
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := ShowProgress(&out, func(took time.Duration) State {
			return State{Text: fmt.Sprint("after ", took.Round(time.Second))}
		})
		time.Sleep(21 * time.Second)
		p.Stop()
		p.Stop()
		if want := "after 10s\nafter 20s\n"; out.String() != want {
			t.Errorf("told\n%s", &out)
		}
	})
}

// On a terminal the line changes, stays shorter than the terminal is wide, and is taken away at the end. A narrow
// terminal has no room for the bar.
func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	s, width := State{}, 60
	p := &Progress{w: &out, width: func() int { return width }, begun: time.Now(), end: make(chan struct{}),
		tell: func(time.Duration) State { return s }}
	for _, s = range []State{
		{Text: "a line that is much longer than this terminal is wide"}, {Text: "half of é", Done: 5, Total: 10},
		{Text: "all", Done: 11, Total: 10},
	} {
		p.show()
	}
	width = 20
	s.Text = "12,345 of 67,890 messages"
	p.show()
	p.Stop()
	shown := strings.Split(out.String(), "\r")
	for i, want := range []string{
		"", "[#                   ] a line that is much longer than this",
		"[##########          ] half of é" + strings.Repeat(" ", 27),
		"[####################] all      ", "12,345 of 67,890 me       ", strings.Repeat(" ", 19), "",
	} {
		if i >= len(shown) || shown[i] != want {
			t.Fatalf("part %d is not %q: %q", i, want, shown)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	failed := errors.New("failed")
	if err := Interrupted(ctx, failed, "go on"); !errors.Is(err, failed) {
		t.Errorf("an error of its own became %v", err)
	}
	cancel()
	if err := Interrupted(ctx, failed, "the same command goes on"); err == nil ||
		err.Error() != "interrupted; the same command goes on" {
		t.Errorf("%v", err)
	}
	if err := Interrupted(ctx, nil, ""); err != nil {
		t.Errorf("what was done is %v", err)
	}
}
