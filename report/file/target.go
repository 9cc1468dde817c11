package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/filelock"
	"github.com/ciobridge/ciobridge/report"
)

const (
	lockLimit  = 5 * time.Second // of the wait for another process that uses the file
	digestSize = 256             // bytes before a position, by which its file is known again
)

// Target appends events to a file.
type Target struct {
	path string
	form form
	mu   sync.Mutex // held while the file is used, which Check and the runner may do at once
	file *os.File   // nil until it is opened, and after a failure
	size int64      // of its whole lines
}

// NewTarget appends to a file, in one of the formats "ndjson" and "csv"; empty is the first.
func NewTarget(path, format string) *Target { return &Target{path: path, form: formOf(format)} }

// Place implements report.Target.
func (t *Target) Place() string { return "file " + t.path }

// Close implements report.Target.
func (t *Target) Close() {
	if t.file != nil {
		_ = t.file.Close() // what was written is synced
		t.file = nil
	}
}

// Check implements report.Target. It makes the file.
func (t *Target) Check(ctx context.Context) error {
	if err := t.locked(ctx, func() error { return nil }); err != nil {
		return fmt.Errorf("check the file of reports %s: %w", t.path, err)
	}
	return nil
}

// Publish implements report.Target.
func (t *Target) Publish(ctx context.Context, events []cloudevent.Event) error {
	err := t.locked(ctx, func() error {
		text, err := encodeAll(t.form, events)
		if err != nil {
			return err
		}
		if _, err := t.file.Write(text); err != nil {
			return err
		}
		t.size += int64(len(text))
		return t.file.Sync()
	})
	if err != nil {
		return fmt.Errorf("write to the file %s: %w", t.path, err)
	}
	return nil
}

func encodeAll(f form, events []cloudevent.Event) (text []byte, err error) {
	for i := range events {
		if text, err = f.encode(text, &events[i]); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// Position implements report.Target. It is the length of the file, and a digest of its end.
func (t *Target) Position(ctx context.Context) (text string, err error) {
	err = t.locked(ctx, func() error {
		digest, err := t.digest(t.size)
		text = fmt.Sprintf("%d:%s", t.size, digest)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("look at the file %s: %w", t.path, err)
	}
	return text, nil
}

// digest is that of what stands before an offset.
func (t *Target) digest(offset int64) (string, error) {
	part := make([]byte, min(offset, digestSize))
	if _, err := t.file.ReadAt(part, offset-int64(len(part))); err != nil {
		return "", err
	}
	sum := sha256.Sum256(part)
	return hex.EncodeToString(sum[:8]), nil
}

// Published implements report.Target. A file that is another one than that of the position is read from its beginning.
func (t *Target) Published(ctx context.Context, since string, each func(id, hash string)) error {
	var offset int64
	var digest string
	if _, err := fmt.Sscanf(since, "%d:%s", &offset, &digest); err != nil && since != "" {
		return fmt.Errorf("read the position %q of the file %s: %w", since, t.path, err)
	}
	err := t.locked(ctx, func() error {
		if offset > t.size {
			offset = 0
		}
		if now, err := t.digest(offset); err != nil || now != digest {
			offset = 0
		}
		return t.form.decode(io.NewSectionReader(t.file, offset, t.size-offset), each)
	})
	if err != nil {
		return fmt.Errorf("read the file %s: %w", t.path, err)
	}
	return nil
}

// locked calls f while nobody else uses the file, which is open and has whole lines only. After a failure it is opened
// anew.
func (t *Target) locked(ctx context.Context, f func() error) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	lock, err := openLock(t.path, ".lock")
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := filelock.LockSoon(ctx, lock, lockLimit); err != nil {
		return fmt.Errorf("lock %s, which another process uses: %w", lock.Name(), err)
	}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if err := t.open(); err != nil {
		return err
	}
	return f()
}

// open opens the file unless it is open already and still the one of that name, and cuts off what is no whole line.
func (t *Target) open() error {
	if t.file != nil {
		ours, err := t.file.Stat()
		if err != nil {
			return err
		}
		if there, err := os.Stat(t.path); err == nil && os.SameFile(ours, there) && ours.Size() == t.size {
			return nil
		}
		t.Close()
	}
	var err error
	if t.file, err = appendfile.Open(t.path); err != nil {
		return err
	}
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	start := make([]byte, min(int64(len(t.form.start())), info.Size()))
	if _, err := t.file.ReadAt(start, 0); err != nil {
		return err
	}
	if !strings.HasPrefix(t.form.start(), string(start)) { // it is not ours to cut
		return fmt.Errorf("%w: it does not begin with %q, as reports do: name another file", report.ErrUnfit,
			t.form.start())
	}
	if t.size, err = t.form.whole(t.file, info.Size()); err != nil {
		return err
	}
	if err := t.form.begin(io.NewSectionReader(t.file, 0, t.size)); err != nil {
		return err
	}
	if t.size < info.Size() {
		if err := errors.Join(t.file.Truncate(t.size), t.file.Sync()); err != nil {
			return fmt.Errorf("cut off the rest of a line: %w", err)
		}
	}
	return nil
}

// openLock opens the file beside another that has its lock, and makes the folder where there is none.
func openLock(path, suffix string) (*os.File, error) {
	if !filelock.Supported {
		return nil, fmt.Errorf("%w: files cannot be locked on this system: name a topic, or a subject and a bucket",
			report.ErrUnfit)
	}
	for _, p := range []string{path, path + suffix} {
		if kind := appendfile.Irregular(p); kind != "" {
			return nil, fmt.Errorf("%w: %s is %s: name a regular file, or one that is not there yet",
				report.ErrUnfit, p, kind)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path+suffix, os.O_RDWR|os.O_CREATE, 0o600)
}
