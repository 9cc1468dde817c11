package internal_test

import (
	"net"
	"testing"

	"github.com/ciobridge/ciobridge/internal/serve"
)

func TestATakenPortIsNotInTheWay(t *testing.T) {
	taken, err := serve.ListenNear(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	if address := serve.AddressNear(t.Context(), port); address != serve.Loopback(0) {
		t.Errorf("a taken port is in the way: %s", address)
	}
}
