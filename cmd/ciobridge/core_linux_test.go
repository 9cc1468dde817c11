package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process leaves no memory behind: neither as a core file, nor for a program that collects dumps.
func TestNoCoreDumps(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &before); err != nil || before.Max == 0 {
		t.Skipf("core files are off already: %v", err)
	}
	c := launchChild(t, "emulate", "--listen", "127.0.0.1:0")
	eventually(t, "it is up", 20*time.Second, func() bool { return strings.Contains(c.log.String(), "Ctrl-C ends") })
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("a core file may be written:\n%s", limits)
	}
}
