package deadletter

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil { // the tests wait for sessions to end more than they compute
		panic(err)
	}
	goleak.VerifyTestMain(m,
		// The clock of nats-server, which starts when it is imported.
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.init.0.func1"),
	)
}
