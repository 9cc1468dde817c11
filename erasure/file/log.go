package file

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// Log keeps fences in a file.
type Log struct {
	path string

	mu   sync.Mutex
	read int64 // so many bytes were read
}

// New keeps fences in the file.
func New(path string) *Log { return &Log{path: path} }

// lockLimit bounds the wait for another process that writes.
const lockLimit = 5 * time.Second

// line is a record as it stands in the file.
type line struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// Check makes the file if it is missing, and proves that it can be written.
func (l *Log) Check(ctx context.Context) error {
	if !filelock.Supported {
		return fmt.Errorf("%w: files cannot be locked on this system: keep them with the broker", erasure.ErrUnfit)
	}
	if err := l.Write(ctx); err != nil {
		return fmt.Errorf("check the file of erasure fences: %w", err)
	}
	return nil
}

// regular fails for what is there and is no regular file, before it is opened.
func (l *Log) regular() error {
	if kind := appendfile.Irregular(l.path); kind != "" {
		return fmt.Errorf("%w: %s is %s: name a regular file, or one that is not there yet", erasure.ErrUnfit, l.path,
			kind)
	}
	return nil
}

// Read gives the whole lines that were added since the last call. A file that has become shorter is read anew.
func (l *Log) Read(ctx context.Context, each func(erasure.Record)) (err error) {
	if err := l.regular(); err != nil {
		return fmt.Errorf("read erasure fences: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	file, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("read erasure fences: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("read erasure fences: %w", err)
	}
	if info.Size() < l.read {
		l.read = 0
	}
	in := bufio.NewReader(io.NewSectionReader(file, l.read, info.Size()-l.read))
	for ctx.Err() == nil {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what has no end yet is being written, or a process died over it
		}
		if err != nil {
			return fmt.Errorf("read erasure fences: %w", err)
		}
		l.read += int64(len(text))
		each(recordOf(bytes.TrimSpace(text)))
	}
	return ctx.Err()
}

// recordOf reads a line. One that cannot be read is a record without a key, which is foreign.
func recordOf(text []byte) erasure.Record {
	var found line
	if json.Unmarshal(text, &found) != nil {
		return erasure.Record{Value: text}
	}
	value := []byte(found.Value)
	var plain string
	if json.Unmarshal(value, &plain) == nil {
		value = []byte(plain)
	}
	return erasure.Record{Key: found.Key, Value: value}
}

// Write appends lines under a lock that other processes respect, and syncs.
func (l *Log) Write(ctx context.Context, records ...erasure.Record) (err error) {
	var lines []byte
	for _, r := range records {
		value := json.RawMessage(r.Value)
		if !json.Valid(value) {
			if value, err = json.Marshal(string(r.Value)); err != nil {
				return err
			}
		}
		text, err := json.Marshal(line{r.Key, value})
		if err != nil {
			return err
		}
		lines = append(append(lines, text...), '\n')
	}
	if err := l.regular(); err != nil {
		return fmt.Errorf("write erasure fences: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	file, err := appendfile.Open(l.path)
	if err != nil {
		return fmt.Errorf("write erasure fences: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := filelock.LockSoon(ctx, file, lockLimit); err != nil {
		return fmt.Errorf("lock the file of erasure fences: %w", err)
	}
	if err := write(file, lines); err != nil {
		return fmt.Errorf("write erasure fences: %w", err)
	}
	return nil
}

// write appends lines behind whole lines.
func write(file *os.File, lines []byte) error {
	partly, err := appendfile.EndsPartly(file)
	if err != nil {
		return err
	}
	if partly && len(lines) > 0 {
		lines = append([]byte{'\n'}, lines...)
	}
	if _, err := file.Write(lines); err != nil {
		return err
	}
	return file.Sync()
}
