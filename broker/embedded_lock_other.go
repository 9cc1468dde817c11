//go:build !unix

package broker

import (
	"errors"
	"os"
)

// lockDir refuses: without a lock that the system lets go of at a crash, two processes could write the same store.
func lockDir(string) (*os.File, error) {
	return nil, errors.New("the embedded server needs a Unix system: use a nats-server of its own")
}
