package file

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// regular fails for what is there and is no regular file.
func regular(path string) error {
	if kind := appendfile.Irregular(path); kind != "" {
		return fmt.Errorf("%s is %s: %w: name a file in dead_letters.file", path, kind, deadletter.ErrNotAFile)
	}
	return nil
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
	case appendfile.IsMissing(err):
		return fmt.Errorf("%w: %w", deadletter.ErrMissing, err)
	case appendfile.IsFull(err):
		return fmt.Errorf("%w: %w", deadletter.ErrFull, err)
	default:
		return fmt.Errorf("%w: %w", deadletter.ErrUnreachable, err)
	}
}
