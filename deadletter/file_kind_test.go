//go:build unix

package deadletter_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/internal/filelock"
)

// What is no regular file is refused with a sentence, and nothing waits for the other end of a pipe.
func TestAFileOfAnotherKindIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(syscall.Mkfifo(path("pipe"), 0o600), os.Mkdir(path("folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", path("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for place, kind := range map[string]string{
		path("pipe"): "a named pipe", path("folder"): "a directory", path("socket"): "a socket",
		"/dev/null": "a device",
	} {
		s := file.New(deadletter.Config{File: place}, "")
		for doing, do := range map[string]func() error{
			"check":   func() error { _, err := s.Check(t.Context()); return err },
			"put":     func() error { return s.Put(t.Context(), lettertest.Failed(1)) },
			"resolve": func() error { return s.Resolve(t.Context(), deadletter.Resolution{}) },
			"scan":    func() error { return s.Scan(t.Context(), func(deadletter.Record) error { return nil }) },
			"read":    func() error { _, err := s.Read(t.Context(), deadletter.Position{}); return err },
		} {
			done := make(chan error, 1)
			go func() { done <- do() }()
			select {
			case err := <-done:
				if !errors.Is(err, deadletter.ErrNotAFile) || !strings.Contains(err.Error(), place+" is "+kind) {
					t.Errorf("%s %s: %v", doing, place, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s %s hangs", doing, place)
			}
		}
	}
}

// Another process that keeps the file locked is not waited for without end.
func TestAFileThatAnotherKeepsLockedIsUnreachable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letters.jsonl")
	s := file.New(deadletter.Config{File: path, Timeout: 20 * time.Millisecond}, "")
	lettertest.MustPut(t, s, lettertest.Failed(1))
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := filelock.Lock(other); err != nil {
		t.Fatal(err)
	}
	if err := lettertest.Put(t, s, lettertest.Failed(2)); !errors.Is(err, deadletter.ErrUnreachable) ||
		!errors.Is(err, filelock.ErrLocked) {
		t.Errorf("got %v", err)
	}
	other.Close()
	lettertest.MustPut(t, s, lettertest.Failed(2))
}
