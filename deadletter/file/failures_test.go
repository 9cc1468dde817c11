package file

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
)

// Ninety-five failures of a message of a megabyte take little more than the message, in the file and in memory.
func TestManyFailuresOfALargeMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	s := New(deadletter.Config{File: path}, "hash")
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
