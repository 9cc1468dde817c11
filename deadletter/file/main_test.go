package file

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

func TestMain(m *testing.M) {
	longtest.Together(12)
	goleak.VerifyTestMain(m,
		// The clock of nats-server, which starts when it is imported.
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.init.0.func1"),
	)
}
