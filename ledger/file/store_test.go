package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/internal/place"
	"github.com/ciobridge/ciobridge/ledger"
)

func open(t *testing.T, path string) *Store {
	s := New(ledger.Config{Settings: place.Settings{File: path}, MaxRecords: 1000})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func id(n int) event.ID { return event.ID{5: 1, 14: byte(n >> 8), 15: byte(n)} }

// now is the time of an event whose id is of n.
func idNow(n int) event.ID {
	out, ms := id(n), time.Now().UnixMilli()
	for i := range 6 {
		out[i] = byte(ms >> (40 - 8*i))
	}
	return out
}

func mustPut(t *testing.T, s *Store, call event.ID, state ledger.State) {
	t.Helper()
	prev, err := s.Get(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	next := prev.Follow(state, 7, time.Now())
	if known, err := s.Put(t.Context(), call, prev, next); err != nil || !known.Is(next) {
		t.Fatalf("%+v, %v", known, err)
	}
}

// A process that dies while it writes leaves part of a line. What stands before and behind it is read.
func TestAPartialLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	first := open(t, path)
	mustPut(t, first, id(1), ledger.Intent)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += longtest.Either(7, 1) {
		if err := os.WriteFile(path, append(append([]byte{}, whole...), whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, path)
		mustPut(t, s, id(2), ledger.Sent)
		again := open(t, path)
		for call, want := range map[event.ID]ledger.State{id(1): ledger.Intent, id(2): ledger.Sent} {
			if known, err := again.Get(t.Context(), call); err != nil || known.State != want {
				t.Fatalf("cut at %d: %+v, %v", cut, known, err)
			}
		}
	}
}

// The file is written anew when most of its lines no longer count. Others that have it open notice.
func TestAFileIsWrittenAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	s, other := open(t, path), open(t, path)
	mustPut(t, s, idNow(1), ledger.Sent)
	s.table.Forget(time.UnixMilli(1_700_000_000_000))
	if _, err := other.Get(t.Context(), idNow(1)); err != nil {
		t.Fatal(err)
	}
	filler := strings.Repeat("{}\n", minLines+10)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(filler); err != nil {
		t.Fatal(err)
	}
	file.Close()
	two := idNow(2)
	mustPut(t, s, two, ledger.Intent)
	mustPut(t, s, two, ledger.NotSent)
	if info, err := os.Stat(path); err != nil || info.Size() > int64(len(filler)) {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	for _, reader := range []*Store{s, other, open(t, path)} {
		known, err := reader.Get(t.Context(), two)
		if err != nil || known.State != ledger.NotSent || known.Version != 2 {
			t.Errorf("got %+v, %v", known, err)
		}
	}
	if got := open(t, path); got.Forgotten().IsZero() {
		t.Error("nothing is forgotten")
	} else if _, err := got.Get(t.Context(), two); err != nil || got.table.NoRoom().UnixMilli() != 1_700_000_000_000 {
		t.Errorf("what was forgotten for want of room is not known any more: %s, %v", got.table.NoRoom(), err)
	}
}

func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := open(t, dir).Check(t.Context()); !errors.Is(err, ledger.ErrUnfit) {
		t.Errorf("a folder: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, filepath.Join(file, "ledger")).Check(t.Context()); !errors.Is(err, ledger.ErrMissing) {
		t.Errorf("below a file: %v", err)
	}
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	if weak, err := open(t, file).Check(t.Context()); err != nil || len(weak) != 1 {
		t.Errorf("one that others may write: %q, %v", weak, err)
	}
}
