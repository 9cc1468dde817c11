package file

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/seal"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// Store keeps dead letters in a local file, one JSON object a line.
//
// Every Put opens the file, appends under a lock that other processes respect, and syncs before it returns. A file that
// was moved away or removed is made anew. The file has mode 0600, because letters hold personal data.
type Store struct {
	health     deadletter.Health
	path       string
	maxBytes   int
	timeout    time.Duration // of the wait for another process that writes
	configHash string
	sealer     *seal.Sealer

	mu     sync.Mutex
	unsure bool // the last write failed, and how much of it is in the file is unknown
}

// New keeps letters in cfg.File. ConfigHash names the configuration in the letters.
func New(cfg deadletter.Config, configHash string) *Store {
	cfg = cfg.WithDefaults()
	return &Store{
		health: deadletter.Health{Place: "file " + cfg.File},
		path:   cfg.File, maxBytes: cfg.MaxBytes, timeout: cfg.Timeout, configHash: configHash,
		sealer: seal.New(cfg.KeysFile),
	}
}

// Ready says since when and why nothing can be stored, as deadletter.Health does.
func (f *Store) Ready() error { return f.health.Ready() }

// Check makes the file if it is missing and proves that it can be written.
func (f *Store) Check(ctx context.Context) ([]string, error) {
	if err := f.sealer.Check(); err != nil {
		return nil, err
	}
	if err := f.append(ctx, nil); err != nil {
		return nil, fmt.Errorf("check %s: %w", f.path, err)
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, fmt.Errorf("check: %w", fileError(err))
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		weak := fmt.Sprintf("%s has mode %04o: others can read the personal data in the letters; use chmod 600",
			f.path, mode)
		return []string{weak}, nil
	}
	return nil, nil
}

// Put appends failed messages as letters and syncs.
func (f *Store) Put(ctx context.Context, failed ...event.FailedMessage) (err error) {
	defer func() { f.health.Note(ctx, err) }()
	now := time.Now()
	var lines []byte
	for i := range failed {
		whole := deadletter.Encode(&failed[i], now, f.configHash)
		records, err := deadletter.Fit(whole, f.maxBytes, (*deadletter.Record).Size)
		if err != nil {
			return fmt.Errorf("put letter of %s: %w", failed[i].Message.Origin, err)
		}
		for i := range records {
			r, err := f.sealer.Seal(records[i])
			if err != nil {
				return fmt.Errorf("put letter of %s: %w", failed[i].Message.Origin, err)
			}
			lines = deadletter.AppendJSON(lines, &r)
		}
	}
	if err := f.append(ctx, lines); err != nil {
		return fmt.Errorf("put letters: %w", err)
	}
	return nil
}

// Resolve appends resolutions and syncs.
func (f *Store) Resolve(ctx context.Context, resolutions ...deadletter.Resolution) (err error) {
	defer func() { f.health.Note(ctx, err) }()
	now := time.Now()
	var lines []byte
	for i := range resolutions {
		r, err := f.sealer.Seal(deadletter.EncodeResolution(&resolutions[i], now))
		if err != nil {
			return fmt.Errorf("resolve letters: %w", err)
		}
		lines = deadletter.AppendJSON(lines, &r)
	}
	if err := f.append(ctx, lines); err != nil {
		return fmt.Errorf("resolve letters: %w", err)
	}
	return nil
}

// append writes whole lines at the end of the file.
func (f *Store) append(ctx context.Context, lines []byte) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := lockable(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := f.open()
	if err != nil {
		return fileError(err)
	}
	defer func() {
		if closing := file.Close(); err == nil && closing != nil {
			err = fileError(closing)
		}
	}()
	if err := filelock.LockSoon(ctx, file, f.timeout); err != nil {
		return fmt.Errorf("lock: %w", fileError(err))
	}
	return f.write(file, lines)
}

// write appends lines to the open file. The caller holds mu.
func (f *Store) write(file *os.File, lines []byte) error {
	partial, err := f.partial(file)
	if err != nil {
		return fileError(err)
	}
	if partial && len(lines) > 0 {
		lines = append([]byte{'\n'}, lines...)
	}
	if _, err := file.Write(lines); err != nil {
		f.unsure = true
		return fileError(err)
	}
	if err := file.Sync(); err != nil {
		f.unsure = true
		return fileError(err)
	}
	if len(lines) > 0 {
		f.unsure = false
	}
	return nil
}

// open opens the file for appending.
func (f *Store) open() (*os.File, error) {
	if err := regular(f.path); err != nil {
		return nil, err
	}
	return appendfile.Open(f.path)
}

// partial reports whether the last line may lack its end, because a process died while it wrote or a write failed. A
// line break then keeps the next record apart from it.
func (f *Store) partial(file *os.File) (bool, error) {
	partly, err := appendfile.EndsPartly(file)
	return partly || f.unsure, err
}
