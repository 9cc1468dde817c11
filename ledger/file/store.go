package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/internal/filelock"
	"github.com/ciobridge/ciobridge/ledger"
)

// Store is a ledger in a file.
type Store struct {
	path   string
	config ledger.Config
	table  *ledger.Table

	mu    sync.Mutex
	file  *os.File // nil until it is opened
	read  int64    // how much of it is in the table
	lines int      // of that
}

// New keeps a ledger in c.File.
func New(c ledger.Config) *Store {
	c = c.WithDefaults()
	return &Store{path: c.File, config: c, table: ledger.NewTable(c.Retention, c.MaxRecords)}
}

// Place implements ledger.Store.
func (s *Store) Place() string { return s.config.Place() }

// Forgotten implements ledger.Store.
func (s *Store) Forgotten() time.Time { return s.table.Forgotten(time.Now()) }

// Check implements ledger.Store. It makes the file.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	var weak []string
	err := s.locked(ctx, func() error {
		info, err := s.file.Stat()
		if err == nil && info.Mode().Perm()&0o022 != 0 {
			weak = append(weak, fmt.Sprintf("%s has mode %04o: others can change what was sent; use chmod 600", s.path,
				info.Mode().Perm()))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	return weak, nil
}

// Get implements ledger.Store.
func (s *Store) Get(ctx context.Context, id event.ID) (known ledger.Record, err error) {
	if err = s.locked(ctx, func() error { return nil }); err != nil {
		return ledger.Record{}, fmt.Errorf("get: %w", err)
	}
	return s.table.Get(id), nil
}

// Put implements ledger.Store.
func (s *Store) Put(ctx context.Context, id event.ID, prev, next ledger.Record) (known ledger.Record, err error) {
	err = s.locked(ctx, func() error {
		now := time.Now()
		if known = s.table.Get(id); !known.Is(prev) && next.State != ledger.Sent || known.State == ledger.Sent {
			return nil
		}
		if err := s.table.Room(id, now); err != nil {
			return err
		}
		if err := s.append(append(next.Encode(id), '\n')); err != nil {
			return err
		}
		s.table.Apply(id, next, now)
		known = next
		return nil
	})
	if err != nil {
		return ledger.Record{}, fmt.Errorf("put: %w", err)
	}
	return known, nil
}

// Close closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
	return nil
}

func (s *Store) close() {
	if s.file != nil {
		_ = s.file.Close() // what was written is synced
		s.file = nil
	}
}

// locked calls f while nobody else uses the file, which is open, and all of which is in the table.
func (s *Store) locked(ctx context.Context, f func() error) error {
	if !filelock.Supported {
		return fmt.Errorf("%w: a ledger in a file needs a Unix system: name a topic or a bucket", ledger.ErrUnfit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lock, err := s.openLock()
	if err != nil {
		return fileError(err)
	}
	defer lock.Close()
	if err := filelock.LockSoon(ctx, lock, s.config.Timeout); err != nil {
		return fmt.Errorf("lock: %w", fileError(err))
	}
	if err := s.open(); err != nil {
		return fileError(err)
	}
	if err := s.catchUp(); err != nil {
		s.close()
		return fileError(err)
	}
	if err := f(); err != nil {
		return fileError(err)
	}
	if s.lines > 2*s.table.Len()+minLines && s.rewrite() != nil {
		s.lines = 0 // the old file is as good; it is tried again after as many lines more
	}
	return nil
}

// openLock opens the lock file, and makes the folder where there is none.
func (s *Store) openLock() (*os.File, error) {
	path := s.path + ".lock"
	if err := regular(path); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if !errors.Is(err, os.ErrNotExist) {
		return lock, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// open opens the file unless it is open already and still the one of that name.
func (s *Store) open() error {
	if s.file != nil {
		ours, err := s.file.Stat()
		if err != nil {
			return err
		}
		if there, err := os.Stat(s.path); err == nil && os.SameFile(ours, there) && ours.Size() >= s.read {
			return nil
		}
		s.close()
	}
	if err := regular(s.path); err != nil {
		return err
	}
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := appendfile.SyncName(s.path); err != nil {
		return errors.Join(err, file.Close())
	}
	s.file, s.read, s.lines = file, 0, 0
	return nil
}

// catchUp reads the whole lines that were appended since the last time.
func (s *Store) catchUp() error {
	info, err := s.file.Stat()
	if err != nil || info.Size() == s.read {
		return err
	}
	now, in := time.Now(), newLineReader(io.NewSectionReader(s.file, s.read, info.Size()-s.read))
	for {
		text, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.read += int64(len(text))
		s.lines++
		s.apply(bytes.TrimSpace(text), now)
	}
}

// apply takes a line into account. What is neither a record nor the mark of those that were forgotten is what a process
// left that died while it wrote, which had promised nothing.
func (s *Store) apply(text []byte, now time.Time) {
	if id, r, err := ledger.Decode(text); err == nil {
		s.table.Apply(id, r, now)
		return
	}
	var m mark
	if json.Unmarshal(text, &m) == nil && m.ForgottenBefore > 0 {
		s.table.Forget(time.UnixMilli(m.ForgottenBefore))
	}
}

// append writes one line behind the last whole one, and syncs.
func (s *Store) append(line []byte) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > s.read { // the rest of a line whose writer died
		line = append([]byte{'\n'}, line...)
	}
	if _, err := s.file.Write(line); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		s.close() // what is in the file is read again
		return err
	}
	s.read = info.Size() + int64(len(line))
	s.lines++
	return nil
}
