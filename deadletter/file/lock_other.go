//go:build !unix

package file

import (
	"errors"
	"os"
)

// lockFile refuses: without a lock that the system lets go of at a crash, two processes could write into each other's lines.
func lockFile(*os.File) error {
	return errors.New("dead letters in a file need a Unix system: name a topic or a subject")
}
