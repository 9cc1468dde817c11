package file

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/broker/lock"
	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/internal/filelock"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	leadPause = 200 * time.Millisecond // between two tries for the lead
	minGrowth = 1 << 20                // bytes by which a file grows before it is written anew
)

// Store keeps what is known of reports in a file.
type Store struct {
	path string
	file *os.File // nil until something is put, and after a failure
	size int64
	kept int64 // how long the file was when it was last written anew
}

// NewStore keeps what is known in a file.
func NewStore(path string) *Store { return &Store{path: path} }

// Place implements report.Store.
func (s *Store) Place() string { return "file " + s.path }

// Close implements report.Store.
func (s *Store) Close() {
	if s.file != nil {
		_ = s.file.Close() // what was written is synced
		s.file = nil
	}
}

// Check implements report.Store. It makes the file.
func (s *Store) Check(context.Context) (weak []string, err error) {
	lead, err := openLock(s.path, ".lead")
	if err == nil {
		err = errors.Join(lead.Close(), s.open())
	}
	var info os.FileInfo
	if err == nil {
		info, err = s.file.Stat()
	}
	if err != nil {
		return nil, fmt.Errorf("check the file of the state of reports %s: %w", s.path, err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		weak = append(weak, fmt.Sprintf("%s has mode %04o: others can change what is known of reports; use chmod 600",
			s.path, info.Mode().Perm()))
	}
	return weak, nil
}

// Lead implements report.Store. The lock is free as soon as the process ends that has it.
func (s *Store) Lead(ctx context.Context, standby func()) (led context.Context, release func(), err error) {
	file, err := openLock(s.path, ".lead")
	if err != nil {
		return nil, nil, fmt.Errorf("lead by the file %s: %w", s.path, err)
	}
	standby = sync.OnceFunc(standby)
	again := retry.Policy{
		First: leadPause, Longest: leadPause, Exact: true,
		Passing: func(err error) bool { return errors.Is(err, filelock.ErrLocked) },
		Failing: func(error) { standby() },
	}
	if err := retry.Do(ctx, again, func(context.Context) error { return filelock.Lock(file) }); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("lead by the file %s: %w", file.Name(), err), file.Close())
	}
	held := lock.New(func() { _ = file.Close() })
	led, end := held.Context(ctx)
	return led, sync.OnceFunc(func() {
		end()
		held.Release()
	}), nil
}

// Load implements report.Store. It reads the whole file.
func (s *Store) Load(_ context.Context, prefix string, each func(key string, value []byte) error) error {
	known, err := s.read(prefix)
	if err != nil {
		return fmt.Errorf("read the file %s: %w", s.path, err)
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if err := each(key, known[key]); err != nil {
			return err
		}
	}
	return nil
}

// Put implements report.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte) error {
	err := ctx.Err()
	if err == nil {
		err = s.put(key, value)
	}
	if err != nil {
		s.Close()
		return fmt.Errorf("write to the file %s: %w", s.path, err)
	}
	if s.size > 2*s.kept+minGrowth && s.rewrite() != nil {
		s.kept = s.size // the old file is as good; it is tried again when it has grown
	}
	return nil
}

func (s *Store) put(key string, value []byte) error {
	text, err := text(key, value)
	if err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	partly, err := appendfile.EndsPartly(s.file)
	if err != nil {
		return err
	}
	if partly {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := s.file.Write(text); err != nil {
		return err
	}
	s.size += int64(len(text))
	return s.file.Sync()
}

// open opens the file unless it is open already and still the one of that name.
func (s *Store) open() error {
	if s.file != nil {
		ours, err := s.file.Stat()
		if err != nil {
			return err
		}
		if there, err := os.Stat(s.path); err == nil && os.SameFile(ours, there) {
			return nil
		}
		s.Close()
	}
	var err error
	if s.file, err = appendfile.Open(s.path); err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	start := make([]byte, min(s.size, int64(len(lineStart))))
	_, err = s.file.ReadAt(start, 0)
	if err == nil {
		err = checkStart(start)
	}
	if err != nil {
		s.Close()
	}
	return err
}
