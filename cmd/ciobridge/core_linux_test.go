package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
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

// TestAClosedTerminalEndsTheBridge: it sends a hang-up, too, and nobody would see what goes on without it.
func TestAClosedTerminalEndsTheBridge(t *testing.T) {
	control, terminal := openTerminal(t)
	path := filepath.Join(t.TempDir(), "ciobridge.yaml")
	err := os.WriteFile(path, []byte(`
source: {kafka: {brokers: ["127.0.0.1:1"], group: g, start_at: earliest, topics: [t]}}
customerio: {url: "http://127.0.0.1:1", region: us, site_id_env: KEY, api_key_env: KEY}
dead_letters: {topic: dead}
admin: {listen: ""}
rules: [{name: r, event: e, do: [{track: {person: .id, name: bought}}]}]
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	cmd := &exec.Cmd{Path: self, Args: []string{"ciobridge", "run", "-c", path}, Stdin: terminal,
		Stdout: log, Stderr: log,
		Env: append(os.Environ(), "KEY=canary"), SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	c := watch(t, cmd, log)
	terminal.Close()
	eventually(t, "it is up", 20*time.Second, func() bool { return strings.Contains(log.String(), "starting") })
	c.signal(syscall.SIGHUP) // there still is the terminal
	if !c.lives(400 * time.Millisecond) {
		t.Fatalf("ended: %s\n%s", c.ProcessState, log)
	}
	control.Close()
	if c.endedBy(syscall.SIGHUP, 20*time.Second) || c.ProcessState.ExitCode() != 0 {
		t.Errorf("%s\n%s", c.ProcessState, log)
	}
}

// openTerminal makes a pseudoterminal. What holds its one side is its window, which closes it.
func openTerminal(t *testing.T) (window, terminal *os.File) {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudoterminals: %v", err)
	}
	t.Cleanup(func() { window.Close() })
	number, unlocked := uint32(0), int32(0)
	ask := func(request uintptr, of unsafe.Pointer) {
		if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, window.Fd(), request, uintptr(of)); code != 0 {
			t.Skipf("no pseudoterminals: %v", code)
		}
	}
	ask(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ask(syscall.TIOCGPTN, unsafe.Pointer(&number))
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudoterminals: %v", err)
	}
	return window, terminal
}
