package kafka

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil { // the tests wait for brokers more than they compute
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
