package deadletter

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func newFile(t *testing.T) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "dead.jsonl")
	return NewFile(Config{File: path}, ""), path
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
	mustPut(t, f, testLetter(1))
	appendRaw(t, path, `{"time":"2026-01-01T00:00:00Z","headers":[{"na`)
	if letters, _, foreign := scanAll(t, f); len(letters) != 1 || foreign != 0 {
		t.Errorf("before the next write: %d letters, %d foreign", len(letters), foreign)
	}
	mustPut(t, NewFile(Config{File: path}, ""), testLetter(2))
	appendRaw(t, path, "garbage\n\n")
	mustPut(t, f, testLetter(3))
	letters, _, foreign := scanAll(t, f)
	if len(letters) != 3 || foreign != 2 {
		t.Errorf("after it: %d letters, %d foreign, want 3 and 2", len(letters), foreign)
	}
	if got := listed(t, f, Filter{All: true}); len(got) != 3 {
		t.Errorf("%d letters are open", len(got))
	}
}

func TestFileIsMadeAnewWhenItWasMovedAway(t *testing.T) {
	f, path := newFile(t)
	mustPut(t, f, testLetter(1))
	letters, _, _ := scanAll(t, f)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(t.Context(), letters[0].Position); !errors.Is(err, ErrMissing) {
		t.Errorf("got %v", err)
	}
	mustPut(t, f, testLetter(2))
	if got := listed(t, f, Filter{All: true}); len(got) != 1 || got[0] != testID(2) {
		t.Errorf("got %v", got)
	}
}

func TestFileTakesWritersOfSeveralProcesses(t *testing.T) {
	_, path := newFile(t)
	var wg sync.WaitGroup
	const writers, each = 6, 20
	for w := range writers {
		wg.Go(func() {
			f := NewFile(Config{File: path}, "") // a handle of its own, as another process has
			for n := range each {
				if err := f.Put(t.Context(), testLetter(w*each+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	letters, _, foreign := scanAll(t, NewFile(Config{File: path}, ""))
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
	if err := NewFile(Config{File: filepath.Join(plain, "dead")}, "").Put(t.Context(), testLetter(1)); !errors.Is(err, ErrMissing) {
		t.Errorf("below a file: %v", err)
	}
	if err := NewFile(Config{File: dir}, "").Put(t.Context(), testLetter(1)); !errors.Is(err, ErrNotAFile) {
		t.Errorf("a directory: %v", err)
	}
	// The device that is always full: the failed write must not be taken for a stored letter.
	device, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	full := NewFile(Config{File: plain}, "")
	if err := full.write(device, []byte("a line\n")); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) || !full.unsure {
		t.Errorf("a full disk: %v", err)
	}
}

func TestFileKeepsTheRecordAfterAFailedWriteApart(t *testing.T) {
	f, path := newFile(t)
	mustPut(t, f, testLetter(1))
	f.unsure = true
	mustPut(t, f, testLetter(2))
	raw, err := os.ReadFile(path)
	if err != nil || strings.Count(string(raw), "\n\n") != 1 || f.unsure {
		t.Errorf("%q, %v", raw, err)
	}
	if got := listed(t, f, Filter{All: true}); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
