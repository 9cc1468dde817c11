package app

import (
	"syscall"
	"testing"
)

func TestNotDumpable(t *testing.T) {
	dumpable := func() uintptr {
		n, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0)
		return n
	}
	if dumpable() != 1 {
		t.Skip("this process is not dumpable already")
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &before); err != nil {
		t.Fatal(err)
	}
	NoCoreDumps()
	defer func() {
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 1, 0)
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &before) // works with rights only; the other test then skips
	}()
	if n := dumpable(); n != 0 {
		t.Errorf("dumpable is %d", n)
	}
}
