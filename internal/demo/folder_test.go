package demo

import (
	"net"
	"testing"
)

func TestATakenPortIsNotInTheWay(t *testing.T) {
	taken, err := listenNear(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	if address := addressNear(t.Context(), port); address != loopback(0) {
		t.Errorf("a taken port is in the way: %s", address)
	}
}
