package internal_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/ciobridge/ciobridge/internal/appendfile"
)

// The device that is always full tells how a full disk looks.
func TestAFullDiskIsKnown(t *testing.T) {
	device, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	if _, err := device.WriteString("a line\n"); !errors.Is(err, syscall.ENOSPC) || !appendfile.IsFull(err) {
		t.Errorf("got %v", err)
	}
	if appendfile.IsFull(os.ErrPermission) {
		t.Error("what is denied is taken for full")
	}
}
