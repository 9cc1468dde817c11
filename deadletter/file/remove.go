package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// Remove overwrites lines with blanks, under the lock of those who write, and syncs. The file keeps its length, so that
// the other records keep their places and a bridge may go on writing.
func (f *Store) Remove(ctx context.Context, at ...deadletter.Position) (err error) {
	if err := lockable(); err != nil || len(at) == 0 {
		return err
	}
	if err := regular(f.path); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
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
	for _, p := range at {
		in := bufio.NewReader(io.NewSectionReader(file, p.Offset, maxLine+1))
		text, _, err := readLine(in)
		if errors.Is(err, io.EOF) {
			continue
		}
		if err == nil {
			_, err = file.WriteAt(bytes.Repeat([]byte{' '}, len(text)), p.Offset)
		}
		if err != nil {
			return fmt.Errorf("remove %s at %d: %w", f.path, p.Offset, fileError(err))
		}
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("remove: %w", fileError(err))
	}
	return nil
}
