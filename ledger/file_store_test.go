package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/ledger"
)

func openFile(t *testing.T, path string) ledger.Store {
	t.Helper()
	s, err := place{kind: "file", address: path}.open(t, ledger.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// follow puts a record behind the one that stands.
func follow(t *testing.T, s ledger.Store, id event.ID, state ledger.State) {
	t.Helper()
	prev := get(t, s, id)
	next := prev.Follow(state, 7, time.Now())
	if known := put(t, s, id, prev, next); !known.Is(next) {
		t.Fatalf("%+v", known)
	}
}

// A process that dies while it writes leaves part of a line. What stands before and behind it is read.
func TestAPartialLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	one, two := newID(), newID()
	follow(t, openFile(t, path), one, ledger.Intent)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += longtest.Either(7, 1) {
		if err := os.WriteFile(path, append(append([]byte{}, whole...), whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		s := openFile(t, path)
		follow(t, s, two, ledger.Sent)
		again := openFile(t, path)
		for call, want := range map[event.ID]ledger.State{one: ledger.Intent, two: ledger.Sent} {
			if known := get(t, again, call); known.State != want {
				t.Fatalf("cut at %d: %+v", cut, known)
			}
		}
	}
}

// The file is written anew when most of its lines no longer count. Others that have it open notice. What it says of
// records that were forgotten for want of room stays.
func TestAFileIsWrittenAnew(t *testing.T) {
	path, one, two := filepath.Join(t.TempDir(), "ledger"), newID(), newID()
	s, other := openFile(t, path), openFile(t, path)
	follow(t, s, one, ledger.Sent)
	get(t, other, one)
	forgotten := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	filler := fmt.Sprintf("{\"forgotten_before\":%d}\n", forgotten.UnixMilli()) + strings.Repeat("{}\n", 10_010)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(filler); err != nil {
		t.Fatal(err)
	}
	file.Close()
	follow(t, s, two, ledger.Intent)
	follow(t, s, two, ledger.NotSent)
	if info, err := os.Stat(path); err != nil || info.Size() > int64(len(filler)) {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	for _, reader := range []ledger.Store{s, other, openFile(t, path)} {
		if known := get(t, reader, two); known.State != ledger.NotSent || known.Version != 2 {
			t.Errorf("got %+v", known)
		}
		if got := reader.Forgotten(); !got.Equal(forgotten) {
			t.Errorf("forgotten is what is before %s, want %s", got, forgotten)
		}
	}
}

func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := openFile(t, dir).Check(t.Context()); !errors.Is(err, ledger.ErrUnfit) {
		t.Errorf("a folder: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openFile(t, filepath.Join(file, "ledger")).Check(t.Context()); !errors.Is(err, ledger.ErrMissing) {
		t.Errorf("below a file: %v", err)
	}
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	if weak, err := openFile(t, file).Check(t.Context()); err != nil || len(weak) != 1 {
		t.Errorf("one that others may write: %q, %v", weak, err)
	}
}
