package main

import (
	"context"
	"os/exec"
	"syscall"
	"testing"
)

// goStandIn runs the program in place of go run, and leaves out the tests, which are running now.
const goStandIn = `
go() {
	case "$1 $2" in
	"run ./cmd/ciobridge") shift 2; ciobridge "$@" ;;
	"test ./...") ;;
	*) command go "$@" ;;
	esac
}
`

type shellRun struct {
	cmd *exec.Cmd
	out *logBuffer
}

func startShell(t *testing.T, dir, script string, args ...string) *shellRun {
	t.Helper()
	r := &shellRun{out: &logBuffer{}}
	r.cmd = exec.CommandContext(context.Background(), "bash",
		append([]string{"-euo", "pipefail", "-c", goStandIn + script, "readme"}, args...)...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = dir, r.out, r.out
	// so that an interrupt reaches the program too, as Ctrl-C does
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
			_ = r.cmd.Wait()
			t.Logf("%s\n%s", script, r.out)
		}
	})
	return r
}

// shell runs a script that must work.
func shell(t *testing.T, dir, script string, args ...string) string {
	t.Helper()
	r := startShell(t, dir, script, args...)
	if err := r.cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, r.out)
	}
	return r.out.String()
}

// interrupt does what Ctrl-C does, and wants an orderly end.
func (r *shellRun) interrupt(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, r.out)
	}
}
