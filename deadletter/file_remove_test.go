//go:build unix

package deadletter_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
)

// seen are the records that stand in a file.
func seen(t *testing.T, f *file.Store) (records []deadletter.Seen) {
	t.Helper()
	err := f.Scan(t.Context(), func(r deadletter.Record) error {
		records = append(records, deadletter.Seen{At: r.Position, Time: r.Time})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// The file was moved away since it was read, as one that is rotated is: what stands in the new one is passed over.
func TestFileRemovesOnlyWhatWasSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	f := file.New(deadletter.Config{File: path}, "")
	lettertest.MustPut(t, f, lettertest.FailedBetween(0, 3)...)
	records := seen(t, f)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	lettertest.MustPut(t, f, lettertest.Failed(7), lettertest.Failed(8))
	beyond := deadletter.Seen{At: deadletter.Position{Offset: 1 << 20}}
	if err := f.Remove(t.Context(), append(records, beyond)...); err != nil {
		t.Fatal(err)
	}
	if letters, _, foreign := logtest.ScanAll(t, f); len(letters) != 2 || foreign != 0 {
		t.Errorf("%d letters and %d foreign records are left", len(letters), foreign)
	}
	now := seen(t, f)
	if err := f.Remove(t.Context(), now[0]); err != nil {
		t.Fatal(err)
	}
	if letters, _, _ := logtest.ScanAll(t, f); len(letters) != 1 || letters[0].ID() != lettertest.ID(8) {
		t.Errorf("%d letters are left", len(letters))
	}
}
