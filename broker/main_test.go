package broker

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

func TestMain(m *testing.M) {
	longtest.Together(32)
	goleak.VerifyTestMain(m,
		// the server's clock, started at import
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.init.0.func1"),
	)
}
