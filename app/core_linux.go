package app

import "syscall"

// NoCoreDumps keeps the process's memory, which holds secrets and events, out of files. The limit stands in the way
// of the kernel's own files and of children; a program that collects dumps is only kept away by the process not being
// dumpable. Failing changes nothing: without these rights there are no others either.
func NoCoreDumps() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
}
