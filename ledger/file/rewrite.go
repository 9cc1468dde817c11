package file

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/ledger"
)

// minLines is how many lines that do not count are left alone.
const minLines = 10_000

// mark is a line that says which records are left out.
type mark struct {
	ForgottenBefore int64 `json:"forgotten_before"` // unix milliseconds
}

// rewrite writes the records that count into a new file, which takes the place of the old one at once. The caller holds
// the lock. A process that dies meanwhile leaves the old file as it was.
func (s *Store) rewrite() error {
	err := appendfile.Replace(s.path, func(out *bufio.Writer) error {
		if before := s.table.NoRoom(); !before.IsZero() {
			fmt.Fprintf(out, "{\"forgotten_before\":%d}\n", before.UnixMilli()) // Replace has the error
		}
		return s.table.All(time.Now(), func(id event.ID, r ledger.Record) error {
			_, err := out.Write(append(r.Encode(id), '\n'))
			return err
		})
	})
	if err != nil {
		return err
	}
	s.close() // the next call opens the new one
	return appendfile.SyncName(s.path)
}

// errNotAFile is for what is there and is no regular file.
var errNotAFile = errors.New("not a regular file: name a file in ledger.file")

// regular fails for what is there and is no regular file.
func regular(path string) error {
	if appendfile.Irregular(path) != "" {
		return fmt.Errorf("%s: %w", path, errNotAFile)
	}
	return nil
}

// fileError tells what an error of the file system means by one of the errors of package ledger.
func fileError(err error) error {
	switch {
	case err == nil, errors.Is(err, ledger.ErrFull):
		return err
	case errors.Is(err, errNotAFile):
		return fmt.Errorf("%w: %w", ledger.ErrUnfit, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ledger.ErrDenied, err)
	case appendfile.IsMissing(err):
		return fmt.Errorf("%w: %w", ledger.ErrMissing, err)
	case appendfile.IsFull(err):
		return fmt.Errorf("%w: %w", ledger.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", ledger.ErrUnreachable, err)
}
