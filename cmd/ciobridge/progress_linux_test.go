package main

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
)

// On a terminal the line changes, stays shorter than the terminal is wide, and is taken away at the end. A narrow
// terminal has no room for the bar.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	window, terminal := openTerminal(t)
	resize(t, window, 60)
	synctest.Test(t, func(t *testing.T) {
		states := []cli.State{
			{Text: "a line that is much longer than this terminal is wide"},
			{Text: "half of é", Done: 5, Total: 10},
			{Text: "all", Done: 11, Total: 10},
			{Text: "12,345 of 67,890 messages"},
		}
		p := cli.ShowProgress(terminal, func(time.Duration) cli.State {
			s := states[0]
			if states = states[1:]; len(states) == 0 {
				resize(t, window, 20)
			}
			return s
		})
		time.Sleep(900 * time.Millisecond) // it is shown every 200 ms
		p.Stop()
	})
	terminal.Close()
	out, _ := io.ReadAll(window) // ends with an error where nobody has the terminal any more
	shown := strings.Split(string(out), "\r")
	for i, want := range []string{
		"", "[ #                  ] a line that is much longer than this",
		"[##########          ] half of é" + strings.Repeat(" ", 27),
		"[####################] all      ", "12,345 of 67,890 me       ", strings.Repeat(" ", 19), "",
	} {
		if i >= len(shown) || shown[i] != want {
			t.Fatalf("part %d is not %q: %q", i, want, shown)
		}
	}
}

// resize makes a terminal's window that wide.
func resize(t *testing.T, window *os.File, columns uint16) {
	t.Helper()
	size := [4]uint16{24, columns}
	_, _, code := syscall.Syscall(syscall.SYS_IOCTL, window.Fd(), syscall.TIOCSWINSZ, uintptr(unsafe.Pointer(&size)))
	if code != 0 {
		t.Error(code)
	}
}
