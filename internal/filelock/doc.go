// Package filelock is the lock on a file that keeps other processes out, and that the operating system lets go of when
// the process ends, however it ends.
//
// A lock belongs to one open file, not to the process: two handles of the same file, even in one process, keep each
// other out. It is held until that handle is closed. There is nothing to clean up after a crash. A system without such
// locks has none here either, rather than one that a killed process would leave behind; see Supported.
//
// The package starts no goroutine and holds no state of its own.
package filelock
