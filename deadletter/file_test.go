package deadletter_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
)

func newFile(t *testing.T) (*file.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "dead.jsonl")
	return file.New(deadletter.Config{File: path}, ""), path
}

func appendRaw(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFileIsMadeForItsOwnerAlone(t *testing.T) {
	f, path := newFile(t)
	if weak, err := f.Check(t.Context()); err != nil || weak != nil {
		t.Fatalf("%q, %v", weak, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != 0 {
		t.Errorf("got %v, %v", info, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if weak, err := f.Check(t.Context()); err != nil || len(weak) != 1 || !strings.Contains(weak[0], "chmod 600") {
		t.Errorf("%q, %v", weak, err)
	}
}

func TestFileToleratesATornLine(t *testing.T) {
	f, path := newFile(t)
	lettertest.MustPut(t, f, lettertest.Failed(1))
	appendRaw(t, path, `{"time":"2026-01-01T00:00:00Z","headers":[{"na`)
	if letters, _, foreign := logtest.ScanAll(t, f); len(letters) != 1 || foreign != 0 {
		t.Errorf("before the next write: %d letters, %d foreign", len(letters), foreign)
	}
	lettertest.MustPut(t, file.New(deadletter.Config{File: path}, ""), lettertest.Failed(2))
	appendRaw(t, path, "garbage\n\n")
	lettertest.MustPut(t, f, lettertest.Failed(3))
	letters, _, foreign := logtest.ScanAll(t, f)
	if len(letters) != 3 || foreign != 2 {
		t.Errorf("after it: %d letters, %d foreign, want 3 and 2", len(letters), foreign)
	}
	if got := logtest.Listed(t, f, deadletter.Filter{All: true}); len(got) != 3 {
		t.Errorf("%d letters are open", len(got))
	}
}

func TestFileIsMadeAnewWhenItWasMovedAway(t *testing.T) {
	f, path := newFile(t)
	lettertest.MustPut(t, f, lettertest.Failed(1))
	letters, _, _ := logtest.ScanAll(t, f)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(t.Context(), letters[0].Position); !errors.Is(err, deadletter.ErrMissing) {
		t.Errorf("got %v", err)
	}
	lettertest.MustPut(t, f, lettertest.Failed(2))
	if got := logtest.Listed(t, f, deadletter.Filter{All: true}); len(got) != 1 || got[0] != lettertest.ID(2) {
		t.Errorf("got %v", got)
	}
}

func TestFileTakesWritersOfSeveralProcesses(t *testing.T) {
	_, path := newFile(t)
	var wg sync.WaitGroup
	const writers, each = 6, 20
	for w := range writers {
		wg.Go(func() {
			f := file.New(deadletter.Config{File: path}, "") // a handle of its own, as another process has
			for n := range each {
				if err := lettertest.Put(t, f, lettertest.Failed(w*each+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	letters, _, foreign := logtest.ScanAll(t, file.New(deadletter.Config{File: path}, ""))
	if len(letters) != writers*each || foreign != 0 {
		t.Errorf("%d letters and %d torn lines, want %d and 0", len(letters), foreign, writers*each)
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	below := file.New(deadletter.Config{File: filepath.Join(plain, "dead")}, "")
	if err := lettertest.Put(t, below, lettertest.Failed(1)); !errors.Is(err, deadletter.ErrMissing) {
		t.Errorf("below a file: %v", err)
	}
	err := file.New(deadletter.Config{File: dir}, "").Put(t.Context(), lettertest.Failed(1))
	if !errors.Is(err, deadletter.ErrNotAFile) {
		t.Errorf("a directory: %v", err)
	}
}

// Ninety-five failures of a message of a megabyte take little more than the message, in the file and in memory.
func TestManyFailuresOfALargeMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	s := file.New(deadletter.Config{File: path}, "hash")
	l := lettertest.WithFailures(lettertest.Failed(1), 95)
	l.Message.Value = bytes.Repeat([]byte("<"), 1_000_000)
	const puts = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range puts {
		if err := s.Put(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if each := info.Size() / puts; each > 1_100_000 {
		t.Errorf("a letter takes %d bytes of the file", each)
	}
	if each := (after.TotalAlloc - before.TotalAlloc) / puts; each > 8_000_000 {
		t.Errorf("a letter takes %d bytes of memory", each)
	}
}
