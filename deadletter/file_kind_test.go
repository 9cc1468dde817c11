//go:build unix

package deadletter

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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
	for file, kind := range map[string]string{
		path("pipe"): "a named pipe", path("folder"): "a directory", path("socket"): "a socket", "/dev/null": "a device",
	} {
		s := NewFile(Config{File: file}, "")
		for doing, do := range map[string]func() error{
			"check":   func() error { _, err := s.Check(t.Context()); return err },
			"put":     func() error { return s.Put(t.Context(), testLetter(1)) },
			"resolve": func() error { return s.Resolve(t.Context(), Resolution{}) },
			"scan":    func() error { return s.Scan(t.Context(), func(Record) error { return nil }) },
			"read":    func() error { _, err := s.Read(t.Context(), Position{}); return err },
		} {
			done := make(chan error, 1)
			go func() { done <- do() }()
			select {
			case err := <-done:
				if !errors.Is(err, ErrNotAFile) || !strings.Contains(err.Error(), file+" is "+kind) {
					t.Errorf("%s %s: %v", doing, file, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s %s hangs", doing, file)
			}
		}
	}
}

// Another process that keeps the file locked is not waited for without end.
func TestAFileThatAnotherKeepsLockedIsUnreachable(t *testing.T) {
	s := NewFile(Config{File: filepath.Join(t.TempDir(), "letters.jsonl"), Timeout: 20 * time.Millisecond}, "")
	mustPut(t, s, testLetter(1))
	other, err := os.Open(s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := lockFile(other); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), testLetter(2)); !errors.Is(err, ErrUnreachable) || !errors.Is(err, errLocked) {
		t.Errorf("got %v", err)
	}
	other.Close()
	mustPut(t, s, testLetter(2))
}
