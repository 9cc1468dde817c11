package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// removedAtOnce is how many lines are overwritten under one lock, for which those who write wait.
const removedAtOnce = 100

// Remove overwrites lines with blanks, under the lock of those who write, and syncs. The file keeps its length, so that
// the other records keep their places and a bridge may go on writing.
func (f *Store) Remove(ctx context.Context, records ...deadletter.Seen) error {
	if err := lockable(); err != nil || len(records) == 0 {
		return err
	}
	if err := regular(f.path); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	for some := range slices.Chunk(records, removedAtOnce) {
		if err := f.remove(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (f *Store) remove(ctx context.Context, records []deadletter.Seen) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("remove: %w", fileError(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := filelock.LockSoon(ctx, file, f.timeout); err != nil {
		return fmt.Errorf("remove: lock: %w", fileError(err))
	}
	for _, r := range records {
		if err := overwrite(file, r); err != nil {
			return fmt.Errorf("remove %s at %d: %w", f.path, r.At.Offset, fileError(err))
		}
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("remove: %w", fileError(err))
	}
	return nil
}

// overwrite overwrites the line of one record, unless the file was moved away since it was read and another line stands
// there.
func overwrite(file *os.File, r deadletter.Seen) error {
	text, _, err := readLine(bufio.NewReader(io.NewSectionReader(file, r.At.Offset, maxLine+1)))
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	if found, err := deadletter.ParseJSON(text); err != nil || !found.Time.Equal(r.Time) {
		return nil
	}
	_, err = file.WriteAt(bytes.Repeat([]byte{' '}, len(text)), r.At.Offset)
	return err
}
