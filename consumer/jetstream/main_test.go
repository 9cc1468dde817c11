package jetstream

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

func TestMain(m *testing.M) {
	longtest.Together(24)
	code := m.Run()
	if err := findLeaks(time.Now().Add(20 * time.Second)); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// findLeaks waits for the goroutines of the embedded servers, which end a while after their server on a busy machine.
func findLeaks(deadline time.Time) error {
	for {
		err := goleak.Find(
			// the server's clock, started at import
			goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.init.0.func1"),
		)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
