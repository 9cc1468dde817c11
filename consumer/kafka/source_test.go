package kafka

import (
	"testing"

	"github.com/ciobridge/ciobridge/internal/consumertest"
)

func TestKafkaContract(t *testing.T) {
	t.Parallel()
	consumertest.Run(t, func(t *testing.T) consumertest.Testbed { return startKafka(t) })
}

func TestRealKafkaContract(t *testing.T) {
	consumertest.Run(t, func(t *testing.T) consumertest.Testbed { return realKafka(t, 1) })
}
