package deadletter_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
)

// filesEndAt lets no file of the process grow over a size, until the function that it returns is called.
func filesEndAt(t *testing.T, size int64) (freed func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(size), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}

// A write that failed is not taken for a stored letter. How much of it is in the file is unknown, so that the next
// record is kept apart from it by a line break, and only the next. This is seen in a process of its own, since the size
// up to which files grow is one for all files of a process.
func TestFileKeepsTheRecordAfterAFailedWriteApart(t *testing.T) {
	const variable = "CIOBRIDGE_TEST_FULL"
	if os.Getenv(variable) == "" {
		t.Parallel()
		other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		other.Env = append(os.Environ(), variable+"=1")
		if out, err := other.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	for name, c := range map[string]struct {
		room          int64 // for what does not fit
		foreign, made int   // records that are none, and empty lines
	}{
		"nothing is written": {0, 0, 1}, "a part is written": {10, 1, 0},
	} {
		path := filepath.Join(t.TempDir(), "dead.jsonl")
		f := file.New(deadletter.Config{File: path}, "")
		lettertest.MustPut(t, f, lettertest.Failed(1))
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		freed := filesEndAt(t, info.Size()+c.room)
		err = f.Put(t.Context(), lettertest.Failed(5))
		freed()
		if !errors.Is(err, deadletter.ErrFull) || !errors.Is(err, syscall.EFBIG) {
			t.Errorf("%s: %v", name, err)
		}
		lettertest.MustPut(t, f, lettertest.Failed(2))
		lettertest.MustPut(t, f, lettertest.Failed(3))
		raw, err := os.ReadFile(path)
		if err != nil || strings.Count(string(raw), "\n\n") != c.made || strings.Count(string(raw), "\n") != 4 {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
		if _, _, foreign := logtest.ScanAll(t, f); foreign != c.foreign {
			t.Errorf("%s: %d foreign records", name, foreign)
		}
		if got := logtest.Listed(t, f, deadletter.Filter{All: true}); len(got) != 3 {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
