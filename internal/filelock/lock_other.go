//go:build !unix

package filelock

import (
	"errors"
	"os"
)

// Supported reports whether the system has such locks.
const Supported = false

// Lock always fails: see Supported.
func Lock(*os.File) error { return errors.New("files are locked on Unix systems only") }

// Unlock does nothing: see Supported.
func Unlock(*os.File) error { return nil }
