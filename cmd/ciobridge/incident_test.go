package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// The incident of docs/operating.md is run as it stands, from ten thousand letters of five reasons to the count of what
// was sent again and the look at its order. Only the emulator's port is another, which is free.
func TestIncident(t *testing.T) {
	longtest.Only(t)
	beside(t)
	dir := t.TempDir()
	t.Cleanup(func() { // the last command of the document ends it where all goes well
		text, _ := os.ReadFile(filepath.Join(dir, "emulator.pid"))
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && t.Failed() {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ran := 0
	for _, b := range blocksOf(t, "../../docs/operating.md") {
		if b.heading == "An incident" && b.language == "sh" {
			ran++
			b.text = strings.ReplaceAll(b.text, "127.0.0.1:18099", address)
			b.run(t, dir, time.Nanosecond) // once: what is replayed twice is no longer what it was
		}
	}
	if ran != 7 {
		t.Errorf("%d blocks ran", ran)
	}
}
