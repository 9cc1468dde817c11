package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// regular fails for what is there and is no regular file. To open a named pipe would wait for its other end, and what
// is written to a device is lost.
func regular(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().IsRegular() {
		return nil // what is missing or denied shows when it is opened
	}
	kind := "a device"
	switch mode := info.Mode(); {
	case mode.IsDir():
		kind = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	}
	return fmt.Errorf("%s is %s: %w: name a file in dead_letters.file", path, kind, deadletter.ErrNotAFile)
}

// lockable fails on a system without locks that end with the process: two processes could write into each other's
// lines.
func lockable() error {
	if filelock.Supported {
		return nil
	}
	return fmt.Errorf("lock: %w: dead letters in a file need a Unix system: name a topic or a subject",
		deadletter.ErrUnreachable)
}

// fileError tells what an error of the file system means by one of the errors of package deadletter.
func fileError(err error) error {
	switch {
	case errors.Is(err, deadletter.ErrNotAFile):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", deadletter.ErrDenied, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %w", deadletter.ErrMissing, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", deadletter.ErrFull, err)
	default:
		return fmt.Errorf("%w: %w", deadletter.ErrUnreachable, err)
	}
}
